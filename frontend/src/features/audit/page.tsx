import { Button } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useRouteContext, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AuditFilter, auditFile, auditQuery } from '../../api/audit.ts';
import { may } from '../../api/rights.ts';
import { Card, Page } from '../../ui/page.tsx';
import { Answer, Empty, Loading, More } from '../../ui/states.tsx';
import classes from './audit.module.css';
import { Event } from './event.tsx';
import { type AuditSearch, asFilter } from './filter.ts';
import { FilterBar } from './filter-bar.tsx';
import { Proof } from './proof.tsx';
import { Sinks } from './sinks.tsx';

export function AuditPage() {
  const { t } = useTranslation();
  const search = useSearch({ from: '/app/admin/audit' });
  const { session } = useRouteContext({ from: '/app' });
  const navigate = useNavigate({ from: '/admin/audit' });
  const [follow, setFollow] = useState(true);
  const filter = asFilter(search);
  const audit = useInfiniteQuery({ ...auditQuery(50, filter, follow), placeholderData: (old) => old });
  const narrow = (part: AuditSearch) => void navigate({ search: (old) => ({ ...old, ...part }), replace: true });
  const narrowed = Object.values(search).some(Boolean);
  return (
    <Page
      title={t('audit.title')}
      lead={t('audit.lead')}
      actions={may(session, 'audit.export') && <Files filter={filter} />}
    >
      <div className={classes.care}>
        <Proof />
        <Sinks />
      </div>
      <FilterBar search={search} onChange={narrow} follow={follow} onFollow={setFollow} />
      <Answer query={audit} loading={<Loading rows={8} />}>
        {(data) => {
          const shown = data.pages.flatMap((p) => p.items);
          return (
            <>
              {shown.length === 0 ? (
                <Empty
                  icon={<IconHistory size={26} stroke={1.6} />}
                  title={narrowed ? t('audit.noMatch') : t('audit.empty')}
                />
              ) : (
                <Card flush>
                  <ol className={classes.events}>
                    {shown.map((event) => (
                      <Event key={event.seq} event={event} onNarrow={narrow} />
                    ))}
                  </ol>
                </Card>
              )}
              <More query={audit} />
            </>
          );
        }}
      </Answer>
    </Page>
  );
}

/** What is found, as files. */
function Files({ filter }: { filter: AuditFilter }) {
  const { t } = useTranslation();
  return (
    <>
      <Button variant="default" component="a" href={auditFile('csv', filter)} download>
        {t('audit.csv')}
      </Button>
      <Button variant="default" component="a" href={auditFile('jsonl', filter)} download>
        {t('audit.jsonl')}
      </Button>
    </>
  );
}
