import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAlertTriangle, IconCheck, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Group, groupsQuery, type Resource, resourcesQuery } from '../../api/policy.ts';
import { deletePolicyTest, type PolicyTest, policyTestsQuery } from '../../api/reachability.ts';
import { may } from '../../api/rights.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { Card, Page, Section } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { PolicyFile } from './file.tsx';
import classes from './policy.module.css';
import { PolicyTestDialog } from './test-dialog.tsx';

/** What must stay true of the policy, and the policy as a file. */
export function PolicyPage() {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const writes = may(session, 'access.write');
  const tests = useQuery(policyTestsQuery());
  const groups = useQuery(groupsQuery());
  const resources = useQuery(resourcesQuery());
  const [adding, add] = useDisclosure(false);
  return (
    <Page title={t('policy.title')} lead={t('policy.lead')}>
      <Section
        title={t('policy.tests')}
        lead={t('policy.testsLead')}
        actions={
          writes && (
            <Button size="sm" leftSection={<IconPlus size={16} aria-hidden />} onClick={add.open}>
              {t('policy.addTest')}
            </Button>
          )
        }
      >
        <Answer query={tests}>
          {(list) =>
            list.length === 0 ? (
              <Empty title={t('policy.noTests')}>{t('policy.noTestsLead')}</Empty>
            ) : (
              <Card flush>
                <ul className={classes.tests}>
                  {list.map((test) => (
                    <TestRow
                      key={test.id}
                      test={test}
                      groups={groups.data ?? []}
                      resources={resources.data ?? []}
                      writes={writes}
                    />
                  ))}
                </ul>
              </Card>
            )
          }
        </Answer>
        {adding && <PolicyTestDialog groups={groups.data ?? []} resources={resources.data ?? []} onClose={add.close} />}
      </Section>
      <Section title={t('policy.file')} lead={t('policy.fileLead')}>
        <PolicyFile writes={writes} />
      </Section>
    </Page>
  );
}

type RowProps = { test: PolicyTest; groups: Group[]; resources: Resource[]; writes: boolean };

function TestRow({ test, groups, resources, writes }: RowProps) {
  const { t } = useTranslation();
  const remove = useAction(() => deletePolicyTest(test.id), { refresh: [['policyTests'], ['audit']] });
  const who = groups.find((g) => g.id === test.group)?.name ?? test.group ?? test.person ?? '';
  const what = resources.find((r) => r.id === test.resource)?.name ?? test.to ?? test.resource ?? '';
  const { passes, cut, person, flow, rule } = test.result;
  return (
    <li>
      <Chip tone={passes ? 'good' : 'bad'} icon={passes ? IconCheck : IconAlertTriangle}>
        {t(passes ? 'policy.holds' : 'policy.fails')}
      </Chip>
      <div>
        <p>
          <b>{test.name}</b>
        </p>
        <p className={classes.dim}>{t(test.expect === 'blocked' ? 'policy.mustNot' : 'policy.must', { who, what })}</p>
        {!passes && (
          <p className={classes.dim}>
            {flow
              ? t(test.expect === 'blocked' ? 'policy.whyReaches' : 'policy.whyBlocked', {
                  who: person ?? t('policy.onlyMember'),
                  to: flow.port ? `${flow.to} ${flow.transport}/${flow.port}` : `${flow.to} ${flow.transport}`,
                  rule: rule ?? '',
                })
              : t(cut ? 'policy.whyCut' : 'policy.whyGone')}
          </p>
        )}
        <ProblemNote problem={remove.problem} />
      </div>
      {writes && (
        <Button
          variant="default"
          size="xs"
          loading={remove.pending}
          aria-label={t('policy.removeOf', { name: test.name })}
          onClick={() => remove.run()}
        >
          {t('common.delete')}
        </Button>
      )}
    </li>
  );
}
