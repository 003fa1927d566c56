import { Button, SegmentedControl } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useRouteContext, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { groupsQuery, type Resource, type Rule, resourcesQuery, rulesQuery } from '../../api/policy.ts';
import { may } from '../../api/rights.ts';
import { Page } from '../../ui/page.tsx';
import { Answer } from '../../ui/states.tsx';
import classes from './access.module.css';
import { ResourceDialog } from './resource-dialog.tsx';
import { ResourceList } from './resource-list.tsx';
import { RuleDialog } from './rule-dialog.tsx';
import { RuleList } from './rule-list.tsx';

const making = 'new';

/** Rules and the resources that they name. The URL keeps the tab and what is being edited. */
export function AccessPage() {
  const { t } = useTranslation();
  const { tab, edit } = useSearch({ from: '/app/admin/access' });
  const { session } = useRouteContext({ from: '/app' });
  const navigate = useNavigate({ from: '/admin/access' });
  const rules = useQuery(rulesQuery());
  const resources = useQuery(resourcesQuery());
  const groups = useQuery(groupsQuery());
  const onResources = tab === 'resources';
  const writes = may(session, 'access.write');
  const go = (part: { tab?: string; edit?: string }) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: true });
  const open = (id: string) => go({ edit: id });
  const close = () => go({ edit: undefined });
  const find = <T extends Rule | Resource>(list: T[]) => list.find((x) => x.id === edit);

  return (
    <Page
      title={t('access.title')}
      lead={t('access.lead')}
      actions={
        writes && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => open(making)}>
            {t(onResources ? 'access.addResource' : 'access.addRule')}
          </Button>
        )
      }
    >
      <SegmentedControl
        className={classes.tabs}
        aria-label={t('access.show')}
        value={onResources ? 'resources' : 'rules'}
        onChange={(next) => go({ tab: next === 'resources' ? next : undefined, edit: undefined })}
        data={[
          { value: 'rules', label: t('access.rules') },
          { value: 'resources', label: t('access.resources') },
        ]}
      />
      <Answer query={resources}>
        {(things) => (
          <Answer query={groups}>
            {(teams) => (
              <Answer query={rules}>
                {(list) =>
                  onResources ? (
                    <>
                      <ResourceList resources={things} rules={list} onEdit={writes ? open : undefined} />
                      <ResourceDialog
                        key={`resource ${edit}`}
                        opened={edit === making || find(things) !== undefined}
                        resource={find(things)}
                        onClose={close}
                      />
                    </>
                  ) : (
                    <>
                      <RuleList rules={list} resources={things} groups={teams} onEdit={writes ? open : undefined} />
                      <RuleDialog
                        key={`rule ${edit}`}
                        opened={edit === making || find(list) !== undefined}
                        rule={find(list)}
                        resources={things}
                        groups={teams}
                        onClose={close}
                      />
                    </>
                  )
                }
              </Answer>
            )}
          </Answer>
        )}
      </Answer>
    </Page>
  );
}
