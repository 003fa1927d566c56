import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { createDevice, createOpenVPNDevice, deviceQuery, myDevicesQuery } from '../../api/devices.ts';
import { type Profile, profilesQuery } from '../../api/profiles.ts';
import { makeRequest } from '../../openvpn/request.ts';
import { useAction } from '../../ui/action.ts';
import { Page } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { makeKeyPair } from '../../wireguard/keypair.ts';
import { detectPlatform } from '../../wireguard/platform.ts';
import { keepFresh } from './fresh.ts';
import { PlatformStep } from './platform-step.tsx';
import { ProfileStep } from './profile-step.tsx';
import { ProtocolChoice } from './protocol-choice.tsx';
import { RegionStep } from './region-step.tsx';
import { StepBar } from './step-bar.tsx';
import { type Choice, freeName, readChoice, type Search } from './steps.ts';
import classes from './wizard.module.css';

const detected = detectPlatform();

/** At most four steps from "what is it" to a file. The URL keeps the step and the choices, so that Back goes back. */
export function AddDeviceWizard() {
  const { t } = useTranslation();
  const profiles = useQuery(profilesQuery('mine'));
  const devices = useQuery(myDevicesQuery());
  return (
    <Page title={t('wizard.title')} narrow>
      <Answer query={profiles}>
        {(list) =>
          list.length === 0 ? (
            <Empty title={t('wizard.noProfileTitle')}>{t('wizard.noProfileLead')}</Empty>
          ) : (
            <Answer query={devices}>{(mine) => <Steps profiles={list} taken={mine.map((d) => d.name)} />}</Answer>
          )
        }
      </Answer>
    </Page>
  );
}

function Steps({ profiles, taken }: { profiles: Profile[]; taken: string[] }) {
  const { t } = useTranslation();
  const search = useSearch({ from: '/app/devices/new' });
  const navigate = useNavigate();
  const choice = readChoice(search, detected, profiles);
  const [typedName, setTypedName] = useState<string>();
  const name = typedName ?? freeName(t(`deviceName.${choice.platform}`), taken);
  const create = useCreate(choice, name);
  const heading = useFocusOnStep(choice.step);

  const here = choice.steps.indexOf(choice.step);
  const next = choice.steps[here + 1];
  const change = (part: Search, replace = true) =>
    void navigate({ to: '/devices/new', search: (old) => ({ ...old, ...part }) as never, replace });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (next) change({ step: next, platform: choice.platform, profile: choice.profile?.id }, false);
    else create.run();
  };
  const nameProblem = create.problem?.byField().name;

  return (
    <form onSubmit={submit} className={classes.form}>
      <StepBar step={here} count={choice.steps.length + 1} />
      <h2 ref={heading} tabIndex={-1} className={classes.question}>
        {t(`wizard.${choice.step}.question`)}
      </h2>
      {choice.step === 'platform' && (
        <PlatformStep
          platform={choice.platform}
          detected={detected}
          name={name}
          nameProblem={nameProblem}
          onPlatform={(platform) => change({ platform })}
          onName={setTypedName}
        />
      )}
      {choice.step === 'profile' && choice.profile && (
        <ProfileStep
          profiles={profiles}
          chosen={choice.profile}
          onChoose={(profile) => change({ profile, pop: undefined })}
        />
      )}
      {choice.step === 'profile' && (
        <ProtocolChoice
          protocols={choice.protocols}
          chosen={choice.protocol}
          onChoose={(protocol) => change({ protocol, pop: undefined })}
        />
      )}
      {choice.step === 'region' && choice.profile && choice.region && (
        <RegionStep regions={choice.regions} chosen={choice.region} onChoose={(pop) => change({ pop })} />
      )}
      {!next && <p className={classes.keyNote}>{t('wizard.keyNote')}</p>}
      {choice.profile && choice.profile.regions.length === 0 && <p role="alert">{t('wizard.noRegion')}</p>}
      <ProblemNote problem={create.problem} fields />
      <div className={classes.buttons}>
        {here > 0 ? (
          <Button variant="default" onClick={() => change({ step: choice.steps[here - 1] }, false)}>
            {t('common.back')}
          </Button>
        ) : (
          <Button variant="default" component={Link} to="/">
            {t('common.cancel')}
          </Button>
        )}
        <Button type="submit" loading={create.pending} disabled={!name.trim()}>
          {next ? t('common.next') : t('wizard.create')}
        </Button>
      </div>
    </form>
  );
}

/** Makes the key pair, tells the portal the public half, and goes on to the page that gives the file. */
function useCreate(choice: Choice, name: string) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const make = async () => {
    if (!choice.profile) throw new Error('no profile to choose');
    const wish = {
      name: name.trim(),
      platform: choice.platform,
      profile: choice.profile.id,
      pop: choice.region?.id,
    };
    if (choice.protocol === 'openvpn') {
      const { privateKey, csr } = await makeRequest();
      return { ...(await createOpenVPNDevice({ ...wish, csr })), privateKey };
    }
    const { privateKey, publicKey } = await makeKeyPair();
    return { ...(await createDevice({ ...wish, publicKey })), privateKey };
  };
  return useAction(make, {
    refresh: [['devices']],
    done: async ({ device, privateKey, ...made }) => {
      keepFresh(device.id, { privateKey, ...made, saved: false, steps: choice.steps.length + 1 });
      queries.setQueryData(deviceQuery(device.id).queryKey, device);
      await navigate({ to: '/devices/$id/file', params: { id: device.id }, replace: true });
    },
  });
}

/** Each step is announced by moving focus to its question, except the first one on arrival. */
function useFocusOnStep(step: string) {
  const heading = useRef<HTMLHeadingElement>(null);
  const last = useRef(step);
  useEffect(() => {
    if (last.current === step) return;
    last.current = step;
    heading.current?.focus();
  }, [step]);
  return heading;
}
