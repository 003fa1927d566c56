import { IconAlertTriangle, IconFileAlert, IconHourglass } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useRouteContext } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { auditQuery } from '../../api/audit.ts';
import { gatewaysQuery } from '../../api/gateways.ts';
import { type Overview, overviewQuery } from '../../api/overview.ts';
import { profilesQuery } from '../../api/profiles.ts';
import { policyTestsQuery } from '../../api/reachability.ts';
import { may } from '../../api/rights.ts';
import { AuditSentence } from '../../ui/audit-sentence.tsx';
import { Chip } from '../../ui/chip.tsx';
import { formatMs } from '../../ui/format.ts';
import { GatewayStatusChip } from '../../ui/gateway-status.tsx';
import { Card, Page, Section } from '../../ui/page.tsx';
import { Answer } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { needsAttention } from './attention.ts';
import classes from './overview.module.css';
import { SetUp } from './set-up.tsx';

export function OverviewPage() {
  const { t } = useTranslation();
  const overview = useQuery(overviewQuery());
  const { session } = useRouteContext({ from: '/app' });
  return (
    <Page title={t('overview.title')}>
      <Answer query={overview}>{(o) => <Numbers overview={o} />}</Answer>
      <SetUp />
      <Attention />
      {may(session, 'audit.read') && <Newest />}
    </Page>
  );
}

function Numbers({ overview: o }: { overview: Overview }) {
  const { t, i18n } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const ms = (value: number | undefined) => (value === undefined ? '–' : formatMs(value, i18n.language));
  const number = (n: number) => new Intl.NumberFormat(i18n.language).format(n);
  return (
    <dl className={classes.numbers}>
      <Tile name={t('overview.connected')} to="/admin/devices" note={t('overview.ofDevices', { count: o.devices })}>
        {number(o.connected)}
      </Tile>
      <Tile name={t('overview.people')} to={may(session, 'people.read') ? '/admin/people' : undefined}>
        {number(o.people)}
      </Tile>
      <Tile name={t('overview.gateways')} to="/admin/gateways" note={t('overview.ofGateways', { count: o.gateways })}>
        {number(o.gatewaysOnline)}
      </Tile>
      <Tile name={t('overview.push')} note={t('overview.pushNote', { p99: ms(o.pushP99Ms) })}>
        {ms(o.pushP50Ms)}
      </Tile>
    </dl>
  );
}

function Tile({ name, note, to, children }: { name: string; note?: string; to?: string; children: ReactNode }) {
  return (
    <div className={classes.tile}>
      <dt>{to ? <Link to={to}>{name}</Link> : name}</dt>
      <dd>
        <b>{children}</b>
        {note && <span>{note}</span>}
      </dd>
    </div>
  );
}

function Attention() {
  const { t } = useTranslation();
  const gateways = useQuery(gatewaysQuery());
  const more = useMore();
  return (
    <Section title={t('overview.attention')}>
      <Card flush>
        <Answer query={gateways}>
          {({ items }) => {
            const list = needsAttention(items);
            if (list.length + more.length === 0) return <p className={classes.calm}>{t('overview.calm')}</p>;
            return (
              <ul className={classes.list}>
                {list.map((g) => (
                  <li key={g.id}>
                    <GatewayStatusChip status={g.status} />
                    <span>
                      <Link to="/admin/gateways">{g.name}</Link> · {g.popName}
                    </span>
                    <span className={classes.why}>{g.problem || t(`gatewayWhy.${g.status}`)}</span>
                  </li>
                ))}
                {more}
              </ul>
            );
          }}
        </Answer>
      </Card>
    </Section>
  );
}

/** What is not a gateway and wants somebody: policy tests that fail, devices that wait for approval or for a new file. */
function useMore(): ReactNode[] {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const overview = useQuery(overviewQuery());
  const tests = useQuery({ ...policyTestsQuery(), enabled: may(session, 'access.read') });
  const profiles = useQuery({ ...profilesQuery('all'), enabled: may(session, 'profiles.read') });
  const failing = (tests.data ?? []).filter((test) => !test.result.passes);
  const pending = overview.data?.pending ?? 0;
  const outdated = (profiles.data ?? []).reduce((sum, p) => sum + (p.outdated ?? 0), 0);
  const more: ReactNode[] = failing.map((test) => (
    <li key={test.id}>
      <Chip tone="bad" icon={IconAlertTriangle}>
        {t('overview.testFails')}
      </Chip>
      <Link to="/admin/policy">{test.name}</Link>
      <span className={classes.why}>{test.reason}</span>
    </li>
  ));
  if (pending > 0) {
    more.push(
      <li key="pending">
        <Chip tone="warn" icon={IconHourglass}>
          {t('deviceStatus.pending')}
        </Chip>
        <Link to="/admin/devices" search={{ status: 'pending' }}>
          {t('overview.pending', { count: pending })}
        </Link>
      </li>,
    );
  }
  if (outdated > 0) {
    more.push(
      <li key="outdated">
        <Chip tone="warn" icon={IconFileAlert}>
          {t('devices.outdated')}
        </Chip>
        <Link to="/admin/devices" search={{ status: 'outdated' }}>
          {t('overview.outdated', { count: outdated })}
        </Link>
        <span className={classes.why}>{t('overview.outdatedWhy')}</span>
      </li>,
    );
  }
  return more;
}

const newest = 8; // events

function Newest() {
  const { t } = useTranslation();
  const audit = useInfiniteQuery(auditQuery(newest));
  return (
    <Section title={t('overview.newest')} actions={<Link to="/admin/audit">{t('overview.allEvents')}</Link>}>
      <Card flush>
        <Answer query={audit}>
          {(data) => (
            <ul className={classes.list}>
              {(data.pages[0]?.items ?? []).map((event) => (
                <li key={event.seq}>
                  <AuditSentence event={event} />
                  <span className={classes.when}>
                    <RelativeTime at={event.at} />
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Answer>
      </Card>
    </Section>
  );
}
