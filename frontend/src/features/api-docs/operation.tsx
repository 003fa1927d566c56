import { useTranslation } from 'react-i18next';
import { Command } from '../../ui/copy.tsx';
import classes from './docs.module.css';
import { curlOf, type Document, type Operation } from './openapi.ts';
import { Prose } from './prose.tsx';
import { SchemaView } from './schema.tsx';

export function OperationView({ doc, op }: { doc: Document; op: Operation }) {
  const { t } = useTranslation();
  return (
    <article id={op.id} className={classes.operation} aria-labelledby={`${op.id}-title`}>
      <h3 id={`${op.id}-title`}>{op.summary}</h3>
      <p className={classes.address}>
        <span className={classes.method} data-method={op.method}>
          {op.method}
        </span>
        <code>{op.path}</code>
        {op.open && <span className={classes.open}>{t('docs.open')}</span>}
      </p>
      {op.description && <Prose text={op.description} />}
      {op.parameters.length > 0 && (
        <>
          <h4>{t('docs.parameters')}</h4>
          <ul className={classes.fields}>
            {op.parameters.map((p) => (
              <SchemaView
                key={`${p.in} ${p.name}`}
                doc={doc}
                name={p.name}
                schema={p.schema ?? {}}
                required={p.required}
                note={p.description}
                place={p.in}
              />
            ))}
          </ul>
        </>
      )}
      {op.body && (
        <>
          <h4>{t('docs.body')}</h4>
          <ul className={classes.fields}>
            <SchemaView doc={doc} name="" schema={op.body} open />
          </ul>
        </>
      )}
      <h4>{t('docs.answers')}</h4>
      <ul className={classes.fields}>
        {op.answers.map((a) => (
          <SchemaView
            key={a.status}
            doc={doc}
            name={a.status === 'default' ? t('docs.problem') : a.status}
            schema={a.schema ?? {}}
            note={a.description}
            place={a.kinds.join(', ')}
          />
        ))}
      </ul>
      <h4>curl</h4>
      <Command text={curlOf(doc, op, location.origin)} />
    </article>
  );
}
