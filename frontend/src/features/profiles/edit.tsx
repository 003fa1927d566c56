import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useRouteContext } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { createProfile, deleteProfile, type Profile, profilesQuery, updateProfile } from '../../api/profiles.ts';
import { may } from '../../api/rights.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { say } from '../../ui/notify.ts';
import { Card, Page } from '../../ui/page.tsx';
import { PolicyPreviewNote } from '../../ui/policy-preview.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { RouteList } from '../../ui/routes.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { routesOf } from '../../wireguard/prefix.ts';
import { ProfileFields } from './fields.tsx';
import classes from './profiles.module.css';
import { answersOf, fresh, inputOf, type Values, valuesOf } from './values.ts';

/** Makes a profile (/admin/profiles/new) or changes one, with the routes that it gives beside the form. */
export function ProfilePage() {
  const { t } = useTranslation();
  const { id } = useParams({ from: '/app/admin/profiles/$id' });
  const profiles = useQuery(profilesQuery('all'));
  const isNew = id === 'new';
  const found = profiles.data?.find((p) => p.id === id);
  return (
    <Page title={isNew ? t('profiles.add') : (found?.name ?? t('profiles.title'))}>
      <Answer query={profiles}>
        {() =>
          isNew || found ? (
            <ProfileForm key={id} profile={found} />
          ) : (
            <Empty title={t('problems.not_found.what')}>{t('problems.not_found.next')}</Empty>
          )
        }
      </Answer>
    </Page>
  );
}

function ProfileForm({ profile }: { profile?: Profile }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { session } = useRouteContext({ from: '/app' });
  const [values, setValues] = useState<Values>(profile ? valuesOf(profile) : fresh);
  const save = useAction(
    () => (profile ? updateProfile(profile.id, inputOf(values)) : createProfile(inputOf(values))),
    {
      refresh: [['profiles'], ['devices'], ['audit']],
      done: async (saved) => {
        say(t('profiles.saved', { name: saved.name }));
        await navigate({ to: '/admin/profiles' });
      },
    },
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.run();
  };
  const routes = routesOf(values.mode, [...values.included, ...answersOf(values, profile)], values.excluded);
  const writes = may(session, 'profiles.write');
  return (
    <form onSubmit={submit} className={classes.page}>
      <fieldset disabled={!writes} className={classes.fields}>
        <ProfileFields values={values} onChange={setValues} problems={save.problem?.byField() ?? {}} />
        {profile && (
          <PolicyPreviewNote
            change={{ id: profile.id, profile: inputOf(values) }}
            ready={writes && !!values.name.trim()}
          />
        )}
        <ProblemNote problem={save.problem} fields />
        {writes && (
          <div className={classes.buttons}>
            {profile && <DeleteProfile profile={profile} />}
            <span className={classes.spring} />
            <Button variant="default" component={Link} to="/admin/profiles">
              {t('common.cancel')}
            </Button>
            <Button type="submit" loading={save.pending}>
              {t('common.save')}
            </Button>
          </div>
        )}
      </fieldset>
      <aside className={classes.preview} aria-live="polite">
        <Card>
          <h2>{t('profiles.preview')}</h2>
          <p>{t(`modeLead.${values.mode}`)}</p>
          <RouteList routes={routes} count={routes.length} />
          {values.mode === 'split' && values.names.length > 0 && <p>{t('profiles.namesLater')}</p>}
        </Card>
      </aside>
    </form>
  );
}

function DeleteProfile({ profile }: { profile: Profile }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [asking, ask] = useDisclosure(false);
  const remove = useAction(() => deleteProfile(profile.id), {
    refresh: [['profiles'], ['audit']],
    done: () => navigate({ to: '/admin/profiles' }),
  });
  return (
    <>
      <Button variant="default" onClick={ask.open}>
        {t('common.delete')}
      </Button>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('profiles.deleteTitle', { name: profile.name })}
        verb={t('common.delete')}
        onConfirm={() => remove.run()}
        pending={remove.pending}
        problem={remove.problem}
      >
        <p>{t('profiles.deleteWhat')}</p>
      </Confirm>
    </>
  );
}
