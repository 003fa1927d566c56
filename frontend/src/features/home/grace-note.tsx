import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { sessionQuery, waysQuery } from '../../api/session.ts';
import { formatExact } from '../../ui/format.ts';
import { Card } from '../../ui/page.tsx';
import classes from './home.module.css';

/** For who uses the portal without a second factor: until when that goes, and the way to set one up. */
export function GraceNote() {
  const { t, i18n } = useTranslation();
  const session = useQuery(sessionQuery());
  const without = session.data?.stage === 'ready' && !session.data.factorAt;
  const ways = useQuery({ ...waysQuery(), enabled: without });
  if (!without || !ways.data) return null;
  const { until } = ways.data;
  return (
    <Card>
      <div className={classes.grace}>
        <div>
          <b>{t('factor.grace')}</b>
          <p>
            {until
              ? t('factor.graceUntil', { when: formatExact(new Date(until), i18n.language) })
              : t('factor.graceFree')}
          </p>
        </div>
        <Button component={Link} to="/second-factor">
          {t('factor.setUp')}
        </Button>
      </div>
    </Card>
  );
}
