import { type ReactNode, useEffect } from 'react';
import classes from './page.module.css';

type Props = { title?: string; lead?: ReactNode; actions?: ReactNode; narrow?: boolean; children: ReactNode };

/** A page: its heading, what it is about, what one can do here, and the content. Names the tab as well. */
export function Page({ title, lead, actions, narrow, children }: Props) {
  useEffect(() => {
    document.title = title ? `${title} · Sallyport` : 'Sallyport';
  }, [title]);
  return (
    <div className={classes.page} data-narrow={narrow || undefined}>
      {title && (
        <header className={classes.head}>
          <div className={classes.words}>
            <h1>{title}</h1>
            {lead && <p>{lead}</p>}
          </div>
          {actions && <div className={classes.actions}>{actions}</div>}
        </header>
      )}
      {children}
    </div>
  );
}

/** A titled part of a page. */
export function Section({ title, lead, actions, children }: Omit<Props, 'narrow'>) {
  return (
    <section className={classes.section}>
      {title && (
        <header className={classes.sectionHead}>
          <div>
            <h2>{title}</h2>
            {lead && <p>{lead}</p>}
          </div>
          {actions && <div className={classes.actions}>{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

export function Card({ children, flush }: { children: ReactNode; flush?: boolean }) {
  return (
    <div className={classes.card} data-flush={flush || undefined}>
      {children}
    </div>
  );
}
