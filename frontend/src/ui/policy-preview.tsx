import { Loader } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconAlertTriangle, IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { asProblem } from '../api/problem.ts';
import { type PolicyChange, type PolicyPreview, previewQuery } from '../api/reachability.ts';
import classes from './policy-preview.module.css';
import { ProblemNote } from './problem-note.tsx';

/** Who gains and who loses if this is saved, looked up while one types. Says nothing while the input is not whole. */
export function PolicyPreviewNote({ change, ready }: { change: PolicyChange; ready: boolean }) {
  const { t } = useTranslation();
  const now = useMemo(() => ({ change, ready }), [change, ready]);
  const [settled] = useDebouncedValue(now, 400);
  const preview = useQuery({ ...previewQuery(settled.change), enabled: settled.ready });
  if (!ready) return null;
  if (preview.error) {
    const problem = asProblem(preview.error);
    if (problem.code === 'invalid_input') return null; // the form says so
    return <ProblemNote problem={problem} onRetry={() => void preview.refetch()} />;
  }
  if (!preview.data) {
    return (
      <p className={classes.note} role="status">
        {preview.isFetching && <Loader size={14} />} {t('preview.looking')}
      </p>
    );
  }
  return <Result preview={preview.data} />;
}

function Result({ preview }: { preview: PolicyPreview }) {
  const { t } = useTranslation();
  const { gain, lose, files, tests } = preview;
  const nothing = !preview.partial && gain.people === 0 && lose.people === 0 && files === 0 && tests.length === 0;
  return (
    <section className={classes.note} aria-label={t('preview.title')} role="status">
      {nothing && <p>{t('preview.nothing')}</p>}
      <Side what={gain} kind="gain" />
      <Side what={lose} kind="lose" />
      {files > 0 && <p>{t('preview.files', { count: files })}</p>}
      {preview.partial && <p>{t('preview.partial')}</p>}
      {tests.length > 0 && (
        <div className={classes.tests}>
          <p>
            <IconAlertTriangle size={16} aria-hidden /> {t('preview.tests')}
          </p>
          <ul>
            {tests.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

function Side({ what, kind }: { what: PolicyPreview['gain']; kind: 'gain' | 'lose' }) {
  const { t } = useTranslation();
  if (what.people === 0) return null;
  const Icon = kind === 'gain' ? IconArrowUp : IconArrowDown;
  return (
    <details className={classes.side} data-kind={kind}>
      <summary>
        <Icon size={16} aria-hidden /> {t(`preview.${kind}`, { count: what.people })}{' '}
        {what.devices > 0 && t('preview.devices', { count: what.devices })}
        {kind === 'lose' && what.connected > 0 && ` ${t('preview.cut', { count: what.connected })}`}
      </summary>
      <ul>
        {what.examples.map((x) => (
          <li key={x.id}>
            {x.name}
            {x.flow && (
              <>
                {' → '}
                {x.resource ? `${x.resource}, ` : ''}
                <code>
                  {x.flow.to} {x.flow.transport}
                  {x.flow.port ? `/${x.flow.port}` : ''}
                </code>
              </>
            )}
          </li>
        ))}
        {what.people > what.examples.length && (
          <li>{t('preview.more', { count: what.people - what.examples.length })}</li>
        )}
      </ul>
    </details>
  );
}
