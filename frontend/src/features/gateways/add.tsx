import { Button, NativeSelect, NumberInput, TextInput } from '@mantine/core';
import { IconCircleCheckFilled, IconLoader2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  createGateway,
  createPop,
  type Enrolment,
  type Gateway,
  gatewayQuery,
  gatewaysQuery,
  type Pop,
  popsQuery,
} from '../../api/gateways.ts';
import { useAction } from '../../ui/action.ts';
import { Command } from '../../ui/copy.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './gateways.module.css';
import { PopFields, type PopValues } from './pop-fields.tsx';

const newPop = '+';
const askEvery = 3_000; // ms; beside the event stream, while somebody waits

/** Adds a gateway, in a place that exists or a new one; then gives one command and waits until the node has enrolled. */
export function AddGatewayPage() {
  const { t } = useTranslation();
  const pops = useQuery(popsQuery());
  const [made, setMade] = useState<{ gateway: Gateway; enrolment: Enrolment }>();
  return (
    <Page title={t('gateways.addTitle')} lead={t('gateways.addLead')} narrow>
      {made ? (
        <Enrol gateway={made.gateway} enrolment={made.enrolment} />
      ) : (
        <Answer query={pops}>{(list) => <AddForm pops={list} onMade={setMade} />}</Answer>
      )}
    </Page>
  );
}

type FormProps = { pops: Pop[]; onMade: (made: { gateway: Gateway; enrolment: Enrolment }) => void };

function AddForm({ pops, onMade }: FormProps) {
  const { t } = useTranslation();
  const { pop: asked } = useSearch({ from: '/app/admin/gateways/new' });
  const [pop, setPop] = useState(pops.find((p) => p.id === asked)?.id ?? pops[0]?.id ?? newPop);
  const [place, setPlace] = useState<PopValues>({ name: '', country: '', networks: [] });
  const [name, setName] = useState('');
  const [host, setHost] = useState('');
  const [port, setPort] = useState<number | string>(51820);

  const makePlace = useAction(() => createPop({ ...place, name: place.name.trim() }), {
    refresh: [popsQuery().queryKey],
    done: (made) => {
      setPop(made.id); // so that a second try does not make the place again
      make.run(made.id);
    },
  });
  const make = useAction(
    (popId: string) => createGateway({ name: name.trim(), pop: popId, host: host.trim(), port: Number(port) }),
    { refresh: [gatewaysQuery().queryKey], done: onMade },
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (pop === newPop) makePlace.run();
    else make.run(pop);
  };
  const problems = make.problem?.byField() ?? {};

  return (
    <Card>
      <form onSubmit={submit} className={classes.form}>
        <NativeSelect
          label={t('gateways.place')}
          value={pop}
          onChange={(e) => setPop(e.currentTarget.value)}
          data={[
            ...pops.map((p) => ({ value: p.id, label: p.name })),
            { value: newPop, label: t('gateways.newPlace') },
          ]}
        />
        {pop === newPop && (
          <fieldset className={classes.nested}>
            <legend>{t('gateways.newPlace')}</legend>
            <PopFields values={place} onChange={setPlace} problems={makePlace.problem?.byField()} />
            <ProblemNote problem={makePlace.problem} fields />
          </fieldset>
        )}
        <TextInput
          label={t('gateways.name')}
          placeholder="seoul-1"
          value={name}
          maxLength={64}
          required
          withAsterisk={false}
          onChange={(e) => setName(e.currentTarget.value)}
          error={problems.name}
        />
        <div className={classes.pair}>
          <TextInput
            label={t('gateways.host')}
            description={t('gateways.hostHint')}
            placeholder="seoul.vpn.example.com"
            value={host}
            maxLength={253}
            required
            withAsterisk={false}
            onChange={(e) => setHost(e.currentTarget.value)}
            error={problems.host}
          />
          <NumberInput
            label={t('gateways.port')}
            description={t('gateways.portHint')}
            value={port}
            onChange={setPort}
            min={1}
            max={65535}
            allowDecimal={false}
            hideControls
            error={problems.port}
          />
        </div>
        <ProblemNote problem={make.problem} fields />
        <div className={classes.formRow}>
          <Button variant="default" component={Link} to="/admin/gateways">
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={make.pending || makePlace.pending}>
            {t('gateways.create')}
          </Button>
        </div>
      </form>
    </Card>
  );
}

function Enrol({ gateway, enrolment }: { gateway: Gateway; enrolment: Enrolment }) {
  const { t } = useTranslation();
  const live = useQuery({ ...gatewayQuery(gateway.id), initialData: gateway, refetchInterval: askEvery });
  const up = live.data.status === 'online' || live.data.status === 'behind';
  return (
    <div className={classes.form}>
      <Card>
        <div className={classes.form}>
          <p className={classes.lead}>{t('gateways.paste')}</p>
          <Command text={enrolment.command} />
          <p className={classes.lead}>
            {t('gateways.commandEnds')} <RelativeTime at={enrolment.expiresAt} />
          </p>
        </div>
      </Card>
      <div role="status" className={classes.waiting} data-up={up}>
        {up ? (
          <IconCircleCheckFilled size={26} aria-hidden />
        ) : (
          <IconLoader2 size={24} aria-hidden className={classes.spin} />
        )}
        <div>
          <b>{up ? t('gateways.up', { name: gateway.name }) : t('gateways.waiting')}</b>
          <span>{up ? t('gateways.upLead') : t('gateways.waitingLead')}</span>
        </div>
      </div>
      <div className={classes.formRow}>
        <Button component={Link} to="/admin/gateways" variant={up ? 'filled' : 'default'}>
          {t('common.done')}
        </Button>
      </div>
    </div>
  );
}
