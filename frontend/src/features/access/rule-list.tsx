import { Button } from '@mantine/core';
import { IconArrowRight, IconBan } from '@tabler/icons-react';
import { Trans, useTranslation } from 'react-i18next';
import type { Group, Resource, Rule } from '../../api/policy.ts';
import { Card } from '../../ui/page.tsx';
import { Empty } from '../../ui/states.tsx';
import classes from './access.module.css';
import { listOf, portText } from './words.ts';

type Props = { rules: Rule[]; resources: Resource[]; groups: Group[]; onEdit?: (id: string) => void };

export function RuleList({ rules, resources, groups, onEdit }: Props) {
  const { t } = useTranslation();
  if (rules.length === 0) return <Empty title={t('access.noRules')}>{t('access.noRulesLead')}</Empty>;
  return (
    <Card flush>
      <ul className={classes.rules}>
        {rules.map((rule) => (
          <li key={rule.id}>
            {rule.action === 'allow' ? (
              <IconArrowRight size={20} stroke={1.8} aria-hidden className={classes.allow} />
            ) : (
              <IconBan size={20} stroke={1.8} aria-hidden className={classes.deny} />
            )}
            <div>
              <RuleSentence rule={rule} resources={resources} groups={groups} />
              <p className={classes.reason}>
                {rule.name} · {rule.reason}
              </p>
            </div>
            {onEdit && (
              <Button
                variant="default"
                size="xs"
                aria-label={t('access.editOf', { name: rule.name })}
                onClick={() => onEdit(rule.id)}
              >
                {t('common.edit')}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

type SentenceProps = { rule: Pick<Rule, 'action' | 'groups' | 'resources'>; resources: Resource[]; groups: Group[] };

/** "Engineering may reach Git servers (tcp/22, 443)." */
export function RuleSentence({ rule, resources, groups }: SentenceProps) {
  const { t, i18n } = useTranslation();
  const who = rule.groups.map((id) => groups.find((g) => g.id === id)?.name ?? id);
  const what = rule.resources.map((id) => {
    const resource = resources.find((r) => r.id === id);
    if (!resource) return id;
    const ports = portText(resource);
    return ports ? `${resource.name} (${ports})` : resource.name;
  });
  return (
    <p className={classes.sentence}>
      <Trans
        i18nKey={rule.action === 'allow' ? 'access.allowSentence' : 'access.denySentence'}
        values={{
          who: listOf(who, i18n.language) || t('access.nobody'),
          what: listOf(what, i18n.language) || t('access.nothing'),
        }}
        components={{ b: <b /> }}
      />
    </p>
  );
}
