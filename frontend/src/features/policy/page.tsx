import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAlertTriangle, IconCheck, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRouteContext } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { personQuery } from '../../api/people.ts';
import { type Group, groupsQuery, type Resource, resourcesQuery } from '../../api/policy.ts';
import { deletePolicyTest, type PolicyTest, policyTestsQuery } from '../../api/reachability.ts';
import { may } from '../../api/rights.ts';
import { useAction } from '../../ui/action.ts';
import { Chip } from '../../ui/chip.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Card, Page, Section } from '../../ui/page.tsx';
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
  const who = useWho(test, groups);
  const what = resources.find((r) => r.id === test.resource)?.name ?? test.to ?? test.resource ?? '';
  const { passes, cut, unrouted, person, flow, rule } = test.result;
  const blocked = unrouted ? 'policy.whyUnrouted' : 'policy.whyBlocked';
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
              ? t(test.expect === 'blocked' ? 'policy.whyReaches' : blocked, {
                  who: person ?? t('policy.onlyMember'),
                  to: flow.port ? `${flow.to} ${flow.transport}/${flow.port}` : `${flow.to} ${flow.transport}`,
                  rule: rule ?? '',
                })
              : t(cut ? 'policy.whyCut' : 'policy.whyGone')}
          </p>
        )}
      </div>
      {writes && <DeleteTest test={test} />}
    </li>
  );
}

/** The group's or the person's name. A person has one where the reader may see people, or where the result tells it. */
function useWho({ group, person, result }: PolicyTest, groups: Group[]): string {
  const { t } = useTranslation();
  const { session } = useRouteContext({ from: '/app' });
  const found = useQuery({ ...personQuery(person ?? ''), enabled: !!person && may(session, 'people.read') });
  if (person) return found.data?.name ?? result.person ?? t('policy.onePerson');
  return groups.find((g) => g.id === group)?.name ?? group ?? '';
}

function DeleteTest({ test }: { test: PolicyTest }) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure(false);
  const remove = useAction(() => deletePolicyTest(test.id), {
    refresh: [['policyTests'], ['audit']],
    done: ask.close,
  });
  return (
    <>
      <Button variant="default" size="xs" aria-label={t('policy.removeOf', { name: test.name })} onClick={ask.open}>
        {t('common.delete')}
      </Button>
      <Confirm
        opened={asking}
        onClose={ask.close}
        title={t('access.deleteTitle', { name: test.name })}
        verb={t('common.delete')}
        onConfirm={() => remove.run()}
        pending={remove.pending}
        problem={remove.problem}
      >
        <p>{t('policy.deleteWhat')}</p>
      </Confirm>
    </>
  );
}
