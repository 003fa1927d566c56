import type { ReactNode } from 'react';
import classes from './choice.module.css';

/** One of several, as cards. They are radio buttons: arrow keys move between them. */
export function ChoiceList({ legend, columns, children }: { legend: string; columns?: boolean; children: ReactNode }) {
  return (
    <fieldset className={classes.list} data-columns={columns || undefined}>
      <legend className="visually-hidden">{legend}</legend>
      {children}
    </fieldset>
  );
}

type CardProps = {
  group: string;
  value: string;
  checked: boolean;
  onChoose: () => void;
  icon?: ReactNode;
  title: string;
  note?: string;
  below?: ReactNode;
};

export function ChoiceCard({ group, value, checked, onChoose, icon, title, note, below }: CardProps) {
  return (
    <div className={classes.card}>
      <label className={classes.row}>
        {icon && <span className={classes.icon}>{icon}</span>}
        <span className={classes.words}>
          <span className={classes.title}>{title}</span>
          {note && <span className={classes.note}>{note}</span>}
        </span>
        <input type="radio" name={group} value={value} checked={checked} onChange={onChoose} />
      </label>
      {below && <div className={classes.below}>{below}</div>}
    </div>
  );
}
