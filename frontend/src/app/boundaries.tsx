import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { asProblem } from '../api/problem.ts';
import { Page } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem-note.tsx';
import { Loading } from '../ui/states.tsx';

export function RouteLoading() {
  return (
    <Page>
      <Loading rows={5} />
    </Page>
  );
}

export function RouteProblem({ error }: { error: unknown }) {
  const { t } = useTranslation();
  // A chunk that is gone after an upgrade of the portal fails to load: a reload fetches the new app.
  const problem = asProblem(error);
  return (
    <Page title={t('problem.page')}>
      <ProblemNote problem={problem} onRetry={() => location.reload()} />
    </Page>
  );
}

export function NoSuchPage() {
  const { t } = useTranslation();
  return (
    <Page title={t('noPage.title')} lead={t('noPage.lead')}>
      <div>
        <Button component={Link} to="/" variant="default">
          {t('noPage.home')}
        </Button>
      </div>
    </Page>
  );
}
