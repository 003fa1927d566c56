import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Resource, Rule } from '../../api/policy.ts';
import { Empty } from '../../ui/states.tsx';
import { DataTable } from '../../ui/table.tsx';
import classes from './access.module.css';
import { portText } from './words.ts';

type Props = { resources: Resource[]; rules: Rule[]; onEdit?: (id: string) => void };

export function ResourceList({ resources, rules, onEdit }: Props) {
  const { t } = useTranslation();
  if (resources.length === 0) return <Empty title={t('access.noResources')}>{t('access.noResourcesLead')}</Empty>;
  const usedBy = ({ id, tags }: Resource) =>
    rules.filter((r) => r.resources.includes(id) || r.tags.some((x) => tags.includes(x))).length;
  return (
    <DataTable
      id="resources"
      label={t('access.resources')}
      rows={resources}
      rowKey={(r) => r.id}
      columns={[
        { key: 'name', title: t('access.name'), main: true, cell: (r) => <b className={classes.name}>{r.name}</b> },
        {
          key: 'prefixes',
          title: t('access.prefixes'),
          wrap: true,
          cell: (r) => <span className="mono">{r.prefixes.join(', ')}</span>,
        },
        { key: 'ports', title: t('access.ports'), cell: (r) => portText(r) || t('access.everything') },
        { key: 'tags', title: t('accessWhen.resourceTags'), wrap: true, cell: (r) => r.tags.join(', ') },
        { key: 'rules', title: t('access.usedBy'), numeric: true, cell: (r) => usedBy(r) },
      ]}
      actions={
        onEdit
          ? (r) => (
              <Button
                variant="default"
                size="xs"
                aria-label={t('access.editOf', { name: r.name })}
                onClick={() => onEdit(r.id)}
              >
                {t('common.edit')}
              </Button>
            )
          : undefined
      }
    />
  );
}
