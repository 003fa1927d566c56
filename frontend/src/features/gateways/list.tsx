import { Button } from '@mantine/core';
import { IconPlus, IconServer } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Gateway, gatewaysQuery, type Pop, popsQuery } from '../../api/gateways.ts';
import { may } from '../../api/rights.ts';
import type { Column } from '../../ui/columns.ts';
import { CopyText } from '../../ui/copy.tsx';
import { countryName } from '../../ui/country.ts';
import { formatMs } from '../../ui/format.ts';
import { GatewayStatusChip } from '../../ui/gateway-status.tsx';
import { Page, Section } from '../../ui/page.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { GatewayMenu } from './gateway-menu.tsx';
import classes from './gateways.module.css';
import { PopMenu } from './pop-dialogs.tsx';

export function GatewaysPage() {
  const { t } = useTranslation();
  const gateways = useQuery(gatewaysQuery());
  const pops = useQuery(popsQuery());
  const { session } = useRouteContext({ from: '/app' });
  const writes = may(session, 'gateways.write');
  const add = writes && (
    <Button component={Link} to="/admin/gateways/new" leftSection={<IconPlus size={16} aria-hidden />}>
      {t('gateways.add')}
    </Button>
  );
  return (
    <Page title={t('gateways.title')} lead={t('gateways.lead')} actions={add}>
      <Answer query={gateways}>
        {({ items, head }) => (
          <Answer query={pops}>
            {(places) =>
              places.length === 0 ? (
                <Empty icon={<IconServer size={26} stroke={1.6} />} title={t('gateways.empty')} action={add}>
                  {t('gateways.emptyLead')}
                </Empty>
              ) : (
                places.map((pop) => (
                  <PopSection
                    key={pop.id}
                    pop={pop}
                    gateways={items.filter((g) => g.pop === pop.id)}
                    head={head}
                    writes={writes}
                  />
                ))
              )
            }
          </Answer>
        )}
      </Answer>
    </Page>
  );
}

type SectionProps = { pop: Pop; gateways: Gateway[]; head: number; writes: boolean };

function PopSection({ pop, gateways, head, writes }: SectionProps) {
  const { t, i18n } = useTranslation();
  const columns = useColumns(head);
  const country = countryName(pop.country, i18n.language);
  return (
    <Section
      title={country ? `${pop.name} · ${country}` : pop.name}
      lead={
        <>
          {t('gateways.networks')} <span className="mono">{pop.networks.join(', ') || '–'}</span>
        </>
      }
      actions={writes && <PopMenu pop={pop} />}
    >
      {gateways.length === 0 ? (
        <p className={classes.none}>
          {t('gateways.none')}{' '}
          {writes && (
            <Link to="/admin/gateways/new" search={{ pop: pop.id }}>
              {t('gateways.add')}
            </Link>
          )}
        </p>
      ) : (
        <DataTable
          id="gateways"
          label={t('gateways.inPop', { pop: pop.name })}
          rows={gateways}
          rowKey={(g) => g.id}
          columns={columns}
          actions={writes ? (g) => <GatewayMenu gateway={g} /> : undefined}
        />
      )}
    </Section>
  );
}

function useColumns(head: number): Column<Gateway>[] {
  const { t, i18n } = useTranslation();
  return [
    {
      key: 'name',
      title: t('gateways.name'),
      main: true,
      cell: (g) => (
        <span className={classes.name}>
          <b>{g.name}</b>
          <CopyText value={`${g.host}:${g.port}`} label={t('gateways.endpoint')} />
        </span>
      ),
    },
    {
      key: 'status',
      title: t('gateways.status'),
      wrap: true,
      cell: (g) => (
        <span className={classes.status}>
          <GatewayStatusChip status={g.status} />
          {g.problem && <span className={classes.problem}>{g.problem}</span>}
          {g.withheld !== undefined && (
            <span className={classes.problem}>{t('gateways.withheld', { count: g.withheld })}</span>
          )}
        </span>
      ),
    },
    {
      key: 'applied',
      title: t('gateways.applied'),
      cell: (g) => <Applied gateway={g} head={head} />,
    },
    {
      key: 'push',
      title: t('gateways.push'),
      numeric: true,
      cell: (g) => (g.applyMs === undefined ? '–' : formatMs(g.applyMs, i18n.language)),
    },
    { key: 'devices', title: t('gateways.devices'), numeric: true, cell: (g) => g.connectedDevices },
    {
      key: 'seen',
      title: t('gateways.seen'),
      cell: (g) => (g.seenAt ? <RelativeTime at={g.seenAt} /> : t('common.never')),
    },
    { key: 'version', title: t('gateways.version'), optional: true, hidden: true, cell: (g) => g.version ?? '–' },
  ];
}

function Applied({ gateway, head }: { gateway: Gateway; head: number }) {
  const { t } = useTranslation();
  const lag = gateway.lag ?? 0;
  if (!gateway.enrolledAt) return '–';
  return (
    <span className={classes.applied} title={t('gateways.appliedOf', { applied: gateway.applied, head })}>
      {gateway.applied} <span>{lag > 0 ? t('gateways.lag', { count: lag }) : t('gateways.noLag')}</span>
    </span>
  );
}
