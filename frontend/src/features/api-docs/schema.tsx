import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './docs.module.css';
import { type Document, resolve, type Schema, typeName } from './openapi.ts';

type Props = {
  doc: Document;
  name: string;
  schema: Schema;
  required?: boolean;
  note?: string;
  place?: string;
  open?: boolean;
};

/** One field: name, type, what it means, its limits; the fields inside it open on demand. */
export function SchemaView({ doc, name, schema, required, note, place, open = false }: Props) {
  const { t } = useTranslation();
  const [expanded, setExpanded] = useState(open);
  const own = resolve(doc, schema);
  const inner = own.type === 'array' && own.items ? resolve(doc, own.items) : own;
  const fields = Object.entries(inner.properties ?? {});
  const type = Object.keys(schema).length > 0 ? typeName(doc, schema) : '';
  return (
    <li>
      <div className={classes.field}>
        {name && <code className={classes.fieldName}>{name}</code>}
        {type && <span className={classes.type}>{type}</span>}
        {place && <span className={classes.place}>{place}</span>}
        {required && <span className={classes.required}>{t('docs.required')}</span>}
        <Limits schema={own} />
      </div>
      {(note ?? own.description) && <p>{note ?? own.description}</p>}
      {fields.length > 0 && (
        <>
          <button
            type="button"
            className={classes.toggle}
            aria-expanded={expanded}
            onClick={() => setExpanded(!expanded)}
          >
            {t(expanded ? 'docs.hideFields' : 'docs.showFields', { count: fields.length })}
          </button>
          {expanded && (
            <ul className={classes.fields}>
              {fields.map(([key, value]) => (
                <SchemaView key={key} doc={doc} name={key} schema={value} required={inner.required?.includes(key)} />
              ))}
            </ul>
          )}
        </>
      )}
    </li>
  );
}

function Limits({ schema: s }: { schema: Schema }) {
  const parts = [
    s.minLength !== undefined || s.maxLength !== undefined ? `${s.minLength ?? 0}…${s.maxLength ?? '∞'}` : '',
    s.minimum !== undefined || s.maximum !== undefined ? `${s.minimum ?? '−∞'}…${s.maximum ?? '∞'}` : '',
    s.default !== undefined ? `= ${JSON.stringify(s.default)}` : '',
    s.pattern ?? '',
  ].filter(Boolean);
  return parts.length > 0 ? <span className={classes.place}>{parts.join('  ')}</span> : null;
}
