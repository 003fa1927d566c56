import { Button, NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useRouteContext, useSearch } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { peopleQuery } from '../../api/people.ts';
import { explain, type Reachability, type ReachabilityQuery } from '../../api/reachability.ts';
import { may } from '../../api/rights.ts';
import { useAction } from '../../ui/action.ts';
import { fromLocal, localZone } from '../../ui/local-time.ts';
import { Card, Page } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { ReachPath } from './path.tsx';
import classes from './reachability.module.css';

type Transport = ReachabilityQuery['transport'];

/** "Why can't I reach it?" For workers about their own devices; for those who may see others', about anybody. */
export function ReachabilityPage() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const search = useSearch({ from: '/app/reachability' });
  const others = may(session, 'devices.read') && may(session, 'access.read') && may(session, 'people.read');
  const [person, setPerson] = useState<string | null>(search.person ?? null);
  const [device, setDevice] = useState<string | null>(null);
  const [to, setTo] = useState('');
  const [transport, setTransport] = useState<Transport>('tcp');
  const [port, setPort] = useState<number | string>(443);
  const [at, setAt] = useState('');
  const [probe, setProbe] = useState(false);
  const [answer, setAnswer] = useState<Reachability>();
  const [holds, setHolds] = useState(false); // the answer is to what the form asks
  const hasPort = transport === 'tcp' || transport === 'udp';
  const probes = may(session, 'access.probe') && (transport === 'tcp' || transport === 'icmp') && at === '';
  const ask = useAction(
    () =>
      explain({
        person: device ? undefined : (person ?? undefined),
        device: device ?? undefined,
        to: to.trim(),
        transport,
        port: hasPort ? Number(port) : undefined,
        at: fromLocal(at),
        probe: probe && probes,
      }),
    {
      done: (next) => {
        setAnswer(next);
        setHolds(true);
      },
    },
  );
  const changed =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value);
      setHolds(false);
    };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.run();
  };
  const problems = ask.problem?.byField() ?? {};
  return (
    <Page title={t('reach.title')} lead={t(others ? 'reach.leadOthers' : 'reach.lead')}>
      <Card>
        <form onSubmit={submit} className={classes.form}>
          {others && (
            <PersonSelect
              value={person}
              onChange={(id) => {
                setPerson(id);
                setDevice(null);
                setAnswer(undefined);
              }}
            />
          )}
          {answer && answer.devices.length > 1 && (
            <Select
              label={t('reach.device')}
              value={device ?? answer.device?.id ?? null}
              onChange={changed(setDevice)}
              data={answer.devices.map((d) => ({ value: d.id, label: d.name }))}
              allowDeselect={false}
            />
          )}
          <TextInput
            label={t('reach.to')}
            placeholder="10.20.1.5"
            value={to}
            maxLength={254}
            onChange={(e) => changed(setTo)(e.currentTarget.value)}
            error={problems.to}
            autoComplete="off"
            spellCheck={false}
          />
          <Select
            label={t('reach.transport')}
            value={transport}
            onChange={(next) => changed(setTransport)((next ?? 'tcp') as Transport)}
            data={[
              { value: 'tcp', label: 'TCP' },
              { value: 'udp', label: 'UDP' },
              { value: 'icmp', label: t('reach.ping') },
              { value: 'any', label: t('reach.otherProtocol') },
            ]}
            allowDeselect={false}
          />
          {hasPort && (
            <NumberInput
              label={t('reach.port')}
              value={port}
              onChange={changed(setPort)}
              min={1}
              max={65535}
              allowDecimal={false}
              hideControls
              error={problems.port}
            />
          )}
          <TextInput
            label={t('reach.at')}
            description={t('common.inZone', { zone: localZone() })}
            type="datetime-local"
            value={at}
            onChange={(e) => changed(setAt)(e.currentTarget.value)}
            error={problems.at}
          />
          <div className={classes.wide}>
            {probes ? (
              <Switch
                label={t('reach.probeToo')}
                description={t('reach.probeNote')}
                checked={probe}
                onChange={(e) => setProbe(e.currentTarget.checked)}
              />
            ) : (
              <span />
            )}
            <Button type="submit" loading={ask.pending} disabled={!to.trim() || (hasPort && !port)}>
              {t('reach.ask')}
            </Button>
          </div>
        </form>
      </Card>
      <ProblemNote problem={ask.problem} />
      {answer && holds && !ask.problem && (
        <ReachPath answer={answer} flow={hasPort ? `${transport}/${port}` : transport} />
      )}
    </Page>
  );
}

function PersonSelect({ value, onChange }: { value: string | null; onChange: (id: string | null) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, 250);
  const people = useInfiniteQuery(peopleQuery(q));
  const found = people.data?.pages[0]?.items ?? [];
  return (
    <Select
      label={t('reach.person')}
      placeholder={t('reach.me')}
      value={value}
      onChange={onChange}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('common.clear') }}
      onSearchChange={setTyped}
      filter={({ options }) => options}
      nothingFoundMessage={t('reach.nobody')}
      data={found.map((p) => ({ value: p.id, label: p.email ? `${p.name} (${p.email})` : p.name }))}
    />
  );
}
