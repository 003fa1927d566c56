import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { asProblem } from '../../api/problem.ts';
import { Mark } from '../../ui/mark.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import classes from './docs.module.css';
import { type Document, type Operation, operationsOf } from './openapi.ts';
import { OperationView } from './operation.tsx';
import { Prose } from './prose.tsx';

/** The API's reference, drawn from the contract that the portal itself serves. */
export function ApiDocsPage() {
  const { t } = useTranslation();
  const contract = useQuery({ queryKey: ['openapi'], queryFn: fetchContract, staleTime: Number.POSITIVE_INFINITY });
  document.title = `${t('docs.title')} · Sallyport`;
  return (
    <div className={classes.page}>
      <header className={classes.top}>
        <Link to="/" className={classes.brand}>
          <Mark size={26} />
          <span>Sallyport</span>
        </Link>
        <h1>{t('docs.title')}</h1>
        <a href="/api/openapi.json">openapi.json</a>
      </header>
      <Answer query={contract}>{(doc) => <Reference doc={doc} />}</Answer>
    </div>
  );
}

function Reference({ doc }: { doc: Document }) {
  const { t } = useTranslation();
  const [q, setQ] = useState<string>();
  const all = useMemo(() => operationsOf(doc), [doc]);
  useEffect(() => {
    document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView(); // it was not there when the page opened
  }, []);
  const shown = q ? all.filter((op) => speaksOf(op, q)) : all;
  const tags = (doc.tags ?? []).filter((tag) => shown.some((op) => op.tag === tag.name));
  return (
    <div className={classes.body}>
      <nav className={classes.toc} aria-label={t('docs.contents')}>
        <SearchField label={t('docs.search')} value={q} onChange={setQ} />
        {tags.map((tag) => (
          <div key={tag.name}>
            <h2>{tag.name}</h2>
            <ul>
              {shown
                .filter((op) => op.tag === tag.name)
                .map((op) => (
                  <li key={op.id}>
                    <Anchor href={`#${op.id}`}>{op.summary}</Anchor>
                  </li>
                ))}
            </ul>
          </div>
        ))}
      </nav>
      <main className={classes.main}>
        {!q && doc.info.description && <Prose text={doc.info.description} />}
        {shown.length === 0 && <Empty title={t('docs.noMatch')} />}
        {tags.map((tag) => (
          <section key={tag.name}>
            <h2 className={classes.tag}>{tag.name}</h2>
            {tag.description && <p className={classes.tagLead}>{tag.description}</p>}
            {shown
              .filter((op) => op.tag === tag.name)
              .map((op) => (
                <OperationView key={op.id} doc={doc} op={op} />
              ))}
          </section>
        ))}
      </main>
    </div>
  );
}

function speaksOf(op: Operation, q: string): boolean {
  return `${op.method} ${op.path} ${op.id} ${op.summary} ${op.description}`.toLowerCase().includes(q.toLowerCase());
}

async function fetchContract({ signal }: { signal: AbortSignal }): Promise<Document> {
  const response = await fetch('/api/openapi.json', { signal });
  if (!response.ok) throw asProblem(await response.json().catch(() => undefined), response);
  return (await response.json()) as Document;
}
