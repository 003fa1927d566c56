import { ActionIcon, Checkbox, Menu } from '@mantine/core';
import { IconArrowDown, IconArrowsSort, IconArrowUp, IconColumns3 } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Column, sortRows, toggleSort, useHiddenColumns } from './columns.ts';
import classes from './table.module.css';

type Props<T> = {
  id: string; // names the table where the choice of columns is kept
  label: string;
  rows: T[];
  rowKey: (row: T) => string;
  columns: Column<T>[];
  sort?: string; // 'name' or '-name'; the URL keeps it
  onSort?: (sort: string | undefined) => void;
  actions?: (row: T) => ReactNode;
  selection?: { selected: Set<string>; onChange: (next: Set<string>) => void; labelOf: (row: T) => string };
  toolbar?: ReactNode;
};

/** A table to live in: sort by a click on the heading, choose columns, select rows. On a phone each row is a card. */
export function DataTable<T>({
  id,
  label,
  rows,
  rowKey,
  columns,
  sort,
  onSort,
  actions,
  selection,
  toolbar,
}: Props<T>) {
  const { t } = useTranslation();
  const [hidden, setHidden] = useHiddenColumns(id, columns);
  const shown = columns.filter((c) => !hidden.has(c.key));
  const sorted = sortRows(rows, columns, sort);
  const keys = sorted.map(rowKey);
  const chosen = selection ? keys.filter((k) => selection.selected.has(k)) : [];

  const toggle = (key: string, on: boolean) => {
    if (!selection) return;
    const next = new Set(selection.selected);
    if (on) next.add(key);
    else next.delete(key);
    selection.onChange(next);
  };

  return (
    <div className={classes.box}>
      <div className={classes.toolbar}>
        <div className={classes.tools}>{toolbar}</div>
        {columns.some((c) => c.optional) && <ColumnMenu columns={columns} hidden={hidden} onChange={setHidden} />}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls, and must by keyboard too */}
      <section className={classes.scroll} aria-label={label} tabIndex={0}>
        <table className={classes.table}>
          <caption className="visually-hidden">{label}</caption>
          <thead>
            <tr>
              {selection && (
                <th scope="col" className={classes.check}>
                  <Checkbox
                    size="xs"
                    aria-label={t('table.selectAll')}
                    checked={chosen.length > 0 && chosen.length === keys.length}
                    indeterminate={chosen.length > 0 && chosen.length < keys.length}
                    onChange={(e) => selection.onChange(new Set(e.currentTarget.checked ? keys : []))}
                  />
                </th>
              )}
              {shown.map((c) => (
                <Heading key={c.key} column={c} sort={sort} onSort={onSort} />
              ))}
              {actions && (
                <th scope="col" className={classes.actions}>
                  <span className="visually-hidden">{t('common.actions')}</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row) => (
              <tr key={rowKey(row)} data-selected={selection?.selected.has(rowKey(row)) || undefined}>
                {selection && (
                  <td className={classes.check}>
                    <Checkbox
                      size="xs"
                      aria-label={t('table.select', { name: selection.labelOf(row) })}
                      checked={selection.selected.has(rowKey(row))}
                      onChange={(e) => toggle(rowKey(row), e.currentTarget.checked)}
                    />
                  </td>
                )}
                {shown.map((c) => (
                  <td key={c.key} data-title={c.title} data-main={c.main} data-numeric={c.numeric} data-wrap={c.wrap}>
                    {c.cell(row)}
                  </td>
                ))}
                {actions && <td className={classes.actions}>{actions(row)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

type HeadingProps<T> = { column: Column<T>; sort?: string; onSort?: (sort: string | undefined) => void };

function Heading<T>({ column, sort, onSort }: HeadingProps<T>) {
  const direction = sort === column.key ? 'ascending' : sort === `-${column.key}` ? 'descending' : 'none';
  if (!column.sort || !onSort) {
    return (
      <th scope="col" data-numeric={column.numeric}>
        {column.title}
      </th>
    );
  }
  const Icon = { ascending: IconArrowUp, descending: IconArrowDown, none: IconArrowsSort }[direction];
  return (
    <th scope="col" aria-sort={direction} data-numeric={column.numeric}>
      <button type="button" onClick={() => onSort(toggleSort(sort, column.key))} data-on={direction !== 'none'}>
        {column.title}
        <Icon size={14} aria-hidden />
      </button>
    </th>
  );
}

type MenuProps<T> = { columns: Column<T>[]; hidden: Set<string>; onChange: (hidden: Set<string>) => void };

function ColumnMenu<T>({ columns, hidden, onChange }: MenuProps<T>) {
  const { t } = useTranslation();
  return (
    <Menu closeOnItemClick={false} position="bottom-end" shadow="md">
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label={t('table.columns')} className={classes.columns}>
          <IconColumns3 size={18} stroke={1.7} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('table.columns')}</Menu.Label>
        {columns
          .filter((c) => c.optional)
          .map((c) => (
            <Menu.Item
              key={c.key}
              role="menuitemcheckbox"
              aria-checked={!hidden.has(c.key)}
              leftSection={<Checkbox size="xs" checked={!hidden.has(c.key)} readOnly tabIndex={-1} aria-hidden />}
              onClick={() =>
                onChange(new Set(hidden.has(c.key) ? [...hidden].filter((k) => k !== c.key) : [...hidden, c.key]))
              }
            >
              {c.title}
            </Menu.Item>
          ))}
      </Menu.Dropdown>
    </Menu>
  );
}
