import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { devicesOfQuery } from '../../api/devices.ts';
import { type Person, personQuery, setPersonLevel } from '../../api/people.ts';
import { may } from '../../api/rights.ts';
import { CopyText } from '../../ui/copy.tsx';
import { DeviceStatusChip } from '../../ui/device-status.tsx';
import { HoldNote } from '../../ui/hold-note.tsx';
import { LevelDialog } from '../../ui/level-dialog.tsx';
import { Card, Page, Section } from '../../ui/page.tsx';
import { Answer } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './people.module.css';
import { PersonAccounts } from './person-accounts.tsx';
import { ResetFactorsDialog, RoleSelect, SuspendDialog } from './person-dialogs.tsx';
import { PersonFactors } from './person-factors.tsx';
import { PersonSessions } from './person-sessions.tsx';
import { PersonStateChip } from './person-state.tsx';
import { PersonTokens } from './person-tokens.tsx';

export function PersonPage() {
  const { t } = useTranslation();
  const { id } = useParams({ from: '/app/admin/people/$id' });
  const person = useQuery(personQuery(id));
  const p = person.data;
  return (
    <Page title={p ? p.name || p.email : t('people.title')} lead={p?.email} actions={p && <Actions person={p} />}>
      <Answer query={person}>
        {(found) => (
          <>
            <Facts person={found} />
            <Section title={t('people.groups')}>
              <Groups person={found} />
            </Section>
            <Section title={t('people.factors')}>
              <PersonFactors id={found.id} />
            </Section>
            <PersonAccounts id={found.id} />
            <PersonSessions person={found} />
            <PersonTokens person={found} />
            <Section title={t('people.devices')}>
              <Devices owner={found.id} />
            </Section>
          </>
        )}
      </Answer>
    </Page>
  );
}

function Actions({ person }: { person: Person }) {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const [suspending, suspend] = useDisclosure(false);
  const [resetting, reset] = useDisclosure(false);
  const [holding, hold] = useDisclosure(false);
  return (
    <>
      {may(session, 'people.factors') && (
        <Button variant="default" onClick={reset.open}>
          {t('people.resetFactors')}
        </Button>
      )}
      {may(session, 'devices.write') && (
        <Button variant="default" onClick={hold.open}>
          {t('level.change')}
        </Button>
      )}
      {may(session, 'people.write') && (
        <Button variant={person.state === 'active' ? 'default' : 'filled'} onClick={suspend.open}>
          {person.state === 'active' ? t('people.suspend') : t('people.resume')}
        </Button>
      )}
      <SuspendDialog person={person} opened={suspending} onClose={suspend.close} />
      <ResetFactorsDialog person={person} opened={resetting} onClose={reset.close} />
      {holding && (
        <LevelDialog
          name={person.name || person.email}
          whole
          hold={person.hold?.source === 'hand' ? person.hold : undefined}
          save={(input) => setPersonLevel(person.id, input)}
          onClose={hold.close}
        />
      )}
    </>
  );
}

function Facts({ person }: { person: Person }) {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  return (
    <Card>
      <dl className={classes.facts}>
        <div>
          <dt>{t('people.state')}</dt>
          <dd>
            <PersonStateChip state={person.state} />
            {person.hold && <HoldNote grant={{ level: person.hold.level, notAfter: '', holds: [person.hold] }} />}
          </dd>
        </div>
        <div>
          <dt>{t('people.role')}</dt>
          <dd>{may(session, 'people.roles') ? <RoleSelect person={person} /> : t(`role.${person.role}`)}</dd>
          {person.role !== 'user' && (
            <dd className={classes.source}>{t(person.roleByClaim ? 'roles.byClaim' : 'roles.assigned')}</dd>
          )}
        </div>
        <div>
          <dt>{t('people.factor')}</dt>
          <dd>{person.factor ? t('people.hasFactor') : t('people.noFactor')}</dd>
        </div>
        <div>
          <dt>{t('people.lastSignIn')}</dt>
          <dd>{person.lastSignInAt ? <RelativeTime at={person.lastSignInAt} /> : t('common.never')}</dd>
        </div>
        <div>
          <dt>{t('people.since')}</dt>
          <dd>
            <RelativeTime at={person.createdAt} />
          </dd>
        </div>
      </dl>
    </Card>
  );
}

function Groups({ person }: { person: Person }) {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const reads = may(session, 'groups.read');
  if (person.groups.length === 0) return <p>{t('people.noGroups')}</p>;
  return (
    <ul className={classes.groups}>
      {person.groups.map((g) => (
        <li key={g.id}>
          {reads ? (
            <Link to="/admin/groups/$id" params={{ id: g.id }}>
              {g.name}
            </Link>
          ) : (
            g.name
          )}{' '}
          <span>{g.sources.map((source) => t(`groupSource.${source}`)).join(', ')}</span>
        </li>
      ))}
    </ul>
  );
}

function Devices({ owner }: { owner: string }) {
  const { t } = useTranslation();
  const devices = useQuery(devicesOfQuery(owner));
  return (
    <Answer query={devices}>
      {(list) =>
        list.length === 0 ? (
          <p>{t('people.noDevices')}</p>
        ) : (
          <DataTable
            id="person-devices"
            label={t('people.devices')}
            rows={list}
            rowKey={(d) => d.id}
            columns={[
              {
                key: 'name',
                title: t('device.name'),
                main: true,
                cell: (d) => (
                  <Link to="/admin/devices" search={{ q: d.name }}>
                    {d.name}
                  </Link>
                ),
              },
              { key: 'status', title: t('devices.status'), cell: (d) => <DeviceStatusChip status={d.status} /> },
              { key: 'profile', title: t('devices.profile'), cell: (d) => d.profile.name },
              { key: 'address', title: t('device.addresses'), cell: (d) => <CopyText value={d.ipv4} label="IPv4" /> },
              {
                key: 'seen',
                title: t('device.handshake'),
                cell: (d) => (d.live ? <RelativeTime at={d.live.handshakeAt} /> : t('device.never')),
              },
            ]}
          />
        )
      }
    </Answer>
  );
}
