import { Button } from '@mantine/core';
import { IconArrowRight, IconBan } from '@tabler/icons-react';
import { Trans, useTranslation } from 'react-i18next';
import type { Group, Resource, Rule } from '../../api/policy.ts';
import { formatExact } from '../../ui/format.ts';
import { Card } from '../../ui/page.tsx';
import { Empty } from '../../ui/states.tsx';
import { useNow } from '../../ui/time.tsx';
import classes from './access.module.css';
import { validity, windowText } from './when.ts';
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
              <Validity rule={rule} />
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

/** Says of a rule that is not in force; nothing of others. */
function Validity({ rule }: { rule: Rule }) {
  const { t } = useTranslation();
  const state = validity(rule.conditions, useNow());
  return state === 'now' ? null : <p className={classes.reason}>{t(`accessWhen.${state}`)}</p>;
}

type SentenceProps = {
  rule: Pick<Rule, 'action' | 'groups' | 'people' | 'resources' | 'tags' | 'conditions'>;
  resources: Resource[];
  groups: Group[];
};

/** "Engineering and Mina Kim may reach Git servers (tcp/22, 443), Mon–Fri 09:00–18:00 (Asia/Seoul), until 1 Dec 2026, 09:00:00 GMT+9" */
export function RuleSentence({ rule, resources, groups }: SentenceProps) {
  const { t, i18n } = useTranslation();
  const who = [
    ...rule.groups.map((id) => groups.find((g) => g.id === id)?.name ?? id),
    ...rule.people.map((p) => p.name || p.id),
  ];
  const what = [
    ...rule.resources.map((id) => {
      const resource = resources.find((r) => r.id === id);
      if (!resource) return id;
      const ports = portText(resource);
      return ports ? `${resource.name} (${ports})` : resource.name;
    }),
    ...rule.tags.map((tag) => t('accessWhen.tagged', { tag })),
  ];
  const { windows, validFrom, validUntil, sources, countries, factorSeconds, level } = rule.conditions;
  const region = new Intl.DisplayNames([i18n.language], { type: 'region', fallback: 'code' });
  const places = [...(countries ?? []).map((c) => region.of(c) ?? c), ...(sources ?? [])];
  const moment = (at: string) => formatExact(new Date(at), i18n.language);
  const when = [
    windows?.map((w) => windowText(w, i18n.language, t('accessWhen.everyDay'))).join(` ${t('accessWhen.or')} `),
    validFrom && t('accessWhen.fromText', { at: moment(validFrom) }),
    validUntil && t('accessWhen.untilText', { at: moment(validUntil) }),
    places.length > 0 && t('accessFrom.fromText', { places: listOf(places, i18n.language) }),
    factorSeconds && t('accessFrom.factorText', { count: Math.round(factorSeconds / 60) }),
    level === 'restricted' && t('accessFrom.restrictedText'),
  ].filter(Boolean);
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
      {when.map((part) => t('accessWhen.join') + part).join('')}
    </p>
  );
}
