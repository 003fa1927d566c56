import { Button } from '@mantine/core';
import { IconDeviceMobile, IconKey } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { factorsQuery, newRecoveryCodes, sessionQuery } from '../../api/session.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Card, Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { RecoveryCodes } from '../../ui/recovery-codes.tsx';
import { Answer } from '../../ui/states.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import classes from './security.module.css';

const few = 3; // recovery codes

export function FactorSection() {
  const { t } = useTranslation();
  const factors = useQuery(factorsQuery());
  const session = useQuery(sessionQuery());
  const [codes, setCodes] = useState<string[]>();
  const renew = useAction(newRecoveryCodes, {
    refresh: [factorsQuery().queryKey],
    done: (r) => setCodes(r.recoveryCodes),
  });
  const account = session.data?.user.email || session.data?.user.name || '';

  return (
    <Section title={t('security.factors')} lead={t('security.factorsLead')}>
      <Card flush>
        <Answer query={factors}>
          {(f) => (
            <ul className={classes.rows}>
              {f.totp.map((totp) => (
                <li key={totp.id}>
                  <IconDeviceMobile size={20} stroke={1.6} aria-hidden />
                  <div>
                    <b>{t('security.totp')}</b>
                    <p>
                      {t('security.since')} <RelativeTime at={totp.confirmedAt} />
                    </p>
                  </div>
                </li>
              ))}
              <li>
                <IconKey size={20} stroke={1.6} aria-hidden />
                <div>
                  <b>{t('security.recovery')}</b>
                  <p>{t('security.codesLeft', { count: f.recoveryCodesLeft })}</p>
                </div>
                {f.recoveryCodesLeft <= few && <Chip tone="warn">{t('security.few')}</Chip>}
                <Button variant="default" size="xs" loading={renew.pending} onClick={() => renew.run()}>
                  {t('security.newCodes')}
                </Button>
              </li>
            </ul>
          )}
        </Answer>
      </Card>
      <ProblemNote problem={renew.problem} />
      <Dialog
        opened={codes !== undefined}
        onClose={() => setCodes(undefined)}
        title={t('recovery.title')}
        size="lg"
        insist
      >
        <p className={classes.lead}>{t('security.newCodesLead')}</p>
        {codes && (
          <RecoveryCodes
            codes={codes}
            account={account}
            onSaved={() => setCodes(undefined)}
            doneLabel={t('common.done')}
          />
        )}
      </Dialog>
    </Section>
  );
}
