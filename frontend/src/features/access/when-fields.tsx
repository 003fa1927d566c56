import { Button, Chip, Fieldset, Group, Input, Select, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { fromLocal, localZone, toLocal } from '../../ui/local-time.ts';
import classes from './access.module.css';
import {
  type Conditions,
  dayName,
  daysText,
  goodEnd,
  goodStart,
  goodValidity,
  goodWindow,
  type TimeWindow,
  weekdays,
} from './when.ts';

type Props = {
  value: Conditions;
  onChange: (value: Conditions) => void;
  problem?: string;
};

const zones = () => {
  const all = typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : [];
  return all.includes('UTC') ? all : [...all, 'UTC'];
};

/** When a rule holds: weekly hours in a time zone, from a day on, until a day. */
export function WhenFields({ value, onChange, problem }: Props) {
  const { t, i18n } = useTranslation();
  const all = useMemo(zones, []);
  const windows = value.windows ?? [];
  const setWindows = (list: TimeWindow[]) => onChange({ ...value, windows: list.length > 0 ? list : undefined });
  const inZone = t('common.inZone', { zone: localZone() });
  const set = (i: number, part: Partial<TimeWindow>) =>
    setWindows(windows.map((w, j) => (j === i ? { ...w, ...part } : w)));
  return (
    <Fieldset legend={t('accessWhen.legend')} className={classes.when}>
      {windows.length === 0 && <p className={classes.reason}>{t('accessWhen.anyTime')}</p>}
      {windows.map((w, i) => (
        <Fieldset key={i} legend={t('accessWhen.window', { n: i + 1 })} className={classes.window}>
          <Group gap={6} role="group" aria-label={t('accessWhen.days')}>
            <Chip.Group
              multiple
              value={w.days ?? []}
              onChange={(days) => set(i, { days: weekdays.filter((d) => days.includes(d)) })}
            >
              {weekdays.map((d) => (
                <Chip key={d} value={d} size="xs" variant="light">
                  {dayName(d, i18n.language)}
                </Chip>
              ))}
            </Chip.Group>
            {daysText(w.days ?? [], i18n.language) === '' && (
              <span className={classes.reason}>{t('accessWhen.everyDay')}</span>
            )}
          </Group>
          <div className={classes.hours}>
            <TextInput
              label={t('accessWhen.from')}
              value={w.start}
              maxLength={5}
              placeholder="09:00"
              onChange={(e) => set(i, { start: e.currentTarget.value })}
              error={!goodStart(w) && t('accessWhen.badClock')}
            />
            <TextInput
              label={t('accessWhen.to')}
              value={w.end}
              maxLength={5}
              placeholder="18:00"
              onChange={(e) => set(i, { end: e.currentTarget.value })}
              error={goodEnd(w) ? w.start === w.end && t('accessWhen.sameClock') : t('accessWhen.badClock')}
            />
            <Select
              label={t('accessWhen.zone')}
              value={w.zone}
              data={all.includes(w.zone) ? all : [...all, w.zone]}
              onChange={(zone) => zone && set(i, { zone })}
              searchable
              allowDeselect={false}
              limit={60}
            />
            <Button
              variant="default"
              onClick={() => setWindows(windows.filter((_, j) => j !== i))}
              leftSection={<IconX size={16} aria-hidden />}
              aria-label={t('accessWhen.removeWindow', { n: i + 1 })}
            >
              {t('accessWhen.remove')}
            </Button>
          </div>
          {goodWindow(w) && w.end <= w.start && <p className={classes.reason}>{t('accessWhen.overnight')}</p>}
        </Fieldset>
      ))}
      <Button
        variant="default"
        className={classes.tabs}
        leftSection={<IconPlus size={16} aria-hidden />}
        disabled={windows.length >= 20}
        onClick={() =>
          setWindows([
            ...windows,
            { days: ['mon', 'tue', 'wed', 'thu', 'fri'], start: '09:00', end: '18:00', zone: localZone() },
          ])
        }
      >
        {t('accessWhen.addWindow')}
      </Button>
      <div className={classes.validity}>
        <TextInput
          type="datetime-local"
          label={t('accessWhen.validFrom')}
          description={inZone}
          value={toLocal(value.validFrom)}
          onChange={(e) => onChange({ ...value, validFrom: fromLocal(e.currentTarget.value) })}
        />
        <TextInput
          type="datetime-local"
          label={t('accessWhen.validUntil')}
          description={inZone}
          value={toLocal(value.validUntil)}
          onChange={(e) => onChange({ ...value, validUntil: fromLocal(e.currentTarget.value) })}
          error={!goodValidity(value) && t('accessWhen.notAfter')}
        />
      </div>
      {problem && <Input.Error>{problem}</Input.Error>}
    </Fieldset>
  );
}
