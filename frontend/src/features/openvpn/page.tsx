import { Button, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import {
  type Authority,
  authoritiesQuery,
  finishRotation,
  revocationList,
  rotateAuthority,
} from '../../api/authorities.ts';
import { may } from '../../api/rights.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { CopyText } from '../../ui/copy.tsx';
import { download } from '../../ui/download.ts';
import { say } from '../../ui/notify.ts';
import { Page } from '../../ui/page.tsx';
import { RowMenu } from '../../ui/row-menu.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import { RelativeTime } from '../../ui/time.tsx';

/** Who signs the certificates of OpenVPN, and the way from one authority to the next. */
export function AuthoritiesPage() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const authorities = useQuery(authoritiesQuery());
  const old = authorities.data?.find((a) => a.state === 'trusted');
  const writes = may(session, 'settings.write') && authorities.data;
  return (
    <Page
      title={t('authorities.title')}
      lead={t('authorities.lead')}
      actions={writes && (old ? <Finish old={old} /> : <Rotate />)}
    >
      <Answer query={authorities}>
        {(all) =>
          all.length === 0 ? (
            <Empty title={t('authorities.noneTitle')}>{t('authorities.noneLead')}</Empty>
          ) : (
            <List authorities={all} />
          )
        }
      </Answer>
      {old && <p>{t('authorities.rotating', { count: old.devices })}</p>}
    </Page>
  );
}

function List({ authorities }: { authorities: Authority[] }) {
  const { t } = useTranslation();
  return (
    <DataTable
      id="authorities"
      label={t('authorities.title')}
      rows={authorities}
      rowKey={(a) => a.id}
      columns={[
        {
          key: 'id',
          title: t('authorities.authority'),
          main: true,
          cell: (a) => <CopyText value={a.id} label={t('authorities.authority')} />,
        },
        {
          key: 'state',
          title: t('authorities.state'),
          cell: (a) => <Chip tone={a.state === 'signing' ? 'good' : 'plain'}>{t(`authorities.is.${a.state}`)}</Chip>,
        },
        {
          key: 'ends',
          title: t('authorities.ends'),
          cell: (a) => (a.notAfter ? <RelativeTime at={a.notAfter} /> : '–'),
        },
        { key: 'devices', title: t('authorities.devices'), cell: (a) => a.devices },
        {
          key: 'issuing',
          title: t('authorities.issuing'),
          cell: (a) => <Fingerprint value={a.fingerprint} label={t('authorities.issuing')} />,
        },
        {
          key: 'root',
          title: t('authorities.root'),
          cell: (a) => <Fingerprint value={a.rootFingerprint} label={t('authorities.root')} />,
        },
      ]}
      actions={(a) =>
        a.state !== 'requested' && (
          <RowMenu name={a.id}>
            <Menu.Item onClick={() => download(`sallyport-openvpn-root-${a.id}.pem`, a.root)}>
              {t('authorities.getRoot')}
            </Menu.Item>
            <Menu.Item component="a" href={revocationList(a.id)} download={`sallyport-openvpn-${a.id}.crl`}>
              {t('authorities.getList')}
            </Menu.Item>
          </RowMenu>
        )
      }
    />
  );
}

/** The first bytes; the whole of it is copied. */
function Fingerprint({ value, label }: { value: string; label: string }) {
  if (!value) return '–';
  return (
    <CopyText value={value} label={label}>
      {value.slice(0, 16)}…
    </CopyText>
  );
}

const changed = [authoritiesQuery().queryKey, ['audit']];

function Rotate() {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const rotate = useAction(rotateAuthority, {
    refresh: changed,
    done: () => {
      ask.close();
      say(t('authorities.rotated'));
    },
  });
  return (
    <>
      <Button variant="default" onClick={ask.open}>
        {t('authorities.rotate')}
      </Button>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('authorities.rotateTitle')}
        verb={t('authorities.rotate')}
        harmless
        onConfirm={() => rotate.run()}
        pending={rotate.pending}
        problem={rotate.problem}
      >
        {t('authorities.rotateWhat')}
      </Confirm>
    </>
  );
}

/** Cutting devices off cannot be undone, so it asks for the authority's name. */
function Finish({ old }: { old: Authority }) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const cut = old.devices > 0;
  const finish = useAction(() => finishRotation(cut), {
    refresh: changed,
    done: () => {
      ask.close();
      say(t('authorities.finished'));
    },
  });
  return (
    <>
      <Button variant="default" onClick={ask.open}>
        {t('authorities.finish')}
      </Button>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('authorities.finishTitle')}
        verb={t('authorities.finish')}
        typeName={cut ? old.id : undefined}
        onConfirm={() => finish.run()}
        pending={finish.pending}
        problem={finish.problem}
      >
        {cut ? t('authorities.finishCuts', { count: old.devices }) : t('authorities.finishCutsNone')}
      </Confirm>
    </>
  );
}
