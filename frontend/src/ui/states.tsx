import { Button, Skeleton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { asProblem } from '../api/problem.ts';
import { ProblemNote } from './problem-note.tsx';
import classes from './states.module.css';

/** Grey lines where content will be. Nothing for the first 300 ms, so that fast answers do not flicker. */
export function Loading({ rows = 3 }: { rows?: number }) {
  const { t } = useTranslation();
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 300);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <div role="status" className={classes.loading}>
      <span className="visually-hidden">{t('common.loading')}</span>
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} height={i === 0 ? 28 : 18} width={`${100 - ((i * 17) % 45)}%`} radius={6} />
      ))}
    </div>
  );
}

type EmptyProps = { icon?: ReactNode; title: string; children?: ReactNode; action?: ReactNode };

/** Nothing here yet, and what to do about it. */
export function Empty({ icon, title, children, action }: EmptyProps) {
  return (
    <div className={classes.empty}>
      {icon && (
        <div className={classes.emptyIcon} aria-hidden>
          {icon}
        </div>
      )}
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action && <div className={classes.emptyAction}>{action}</div>}
    </div>
  );
}

type AnswerProps<T> = {
  query: Pick<UseQueryResult<T>, 'data' | 'error' | 'isPending' | 'refetch'>;
  loading?: ReactNode;
  children: (data: T) => ReactNode;
};

/** Loading, error or ready. What was loaded stays on screen while a later try fails, with the problem above it. */
export function Answer<T>({ query, loading, children }: AnswerProps<T>) {
  const retry = () => void query.refetch();
  if (query.data !== undefined) {
    return (
      <>
        {query.error && <ProblemNote problem={asProblem(query.error)} onRetry={retry} />}
        {children(query.data)}
      </>
    );
  }
  if (query.error) return <ProblemNote problem={asProblem(query.error)} onRetry={retry} />;
  return loading ?? <Loading />;
}

type MoreProps = { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };

/** The next page of a list, where there is one. */
export function More({ query }: { query: MoreProps }) {
  const { t } = useTranslation();
  if (!query.hasNextPage) return null;
  return (
    <div className={classes.more}>
      <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        {t('common.more')}
      </Button>
    </div>
  );
}
