import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { AuditEvent } from '../api/audit.ts';

/** Who did what to what, with a link to it where it has a page. */
export function AuditSentence({ event }: { event: AuditEvent }) {
  const { t } = useTranslation();
  const actions = t('auditActions', { returnObjects: true }) as Record<string, string>;
  return (
    <span>
      <b>{event.actor === 'system' ? t('audit.system') : event.actorName || event.actor}</b>{' '}
      {actions[event.action.replaceAll('.', '_')] ?? <code>{event.action}</code>} <AuditTarget event={event} />
    </span>
  );
}

function AuditTarget({ event }: { event: AuditEvent }) {
  const [kind, id = ''] = event.target.split(':');
  const known = nameIn(event.detail);
  const name = known || (event.target === event.actor && event.actorName) || shortId(id);
  if (!id || kind === 'session' || kind === 'factor') return null; // nothing that one knows by its id
  switch (kind) {
    case 'user':
      return (
        <Link to="/admin/people/$id" params={{ id }}>
          {name}
        </Link>
      );
    case 'device':
      return known ? (
        <Link to="/admin/devices" search={{ q: known }}>
          {name}
        </Link>
      ) : (
        <code>{name}</code>
      );
    case 'gateway':
    case 'pop':
      return <Link to="/admin/gateways">{name}</Link>;
    case 'profile':
      return (
        <Link to="/admin/profiles/$id" params={{ id }}>
          {name}
        </Link>
      );
    case 'group':
      return known ? (
        <Link to="/admin/groups/$id" params={{ id }}>
          {name}
        </Link>
      ) : (
        <code title={event.target}>{name}</code>
      );
    case 'service':
      return <Link to="/admin/service-tokens">{name}</Link>;
    case 'scim':
      return <Link to="/admin/directories">{name}</Link>;
    case 'rule':
    case 'resource':
      return (
        <Link to="/admin/access" search={{ tab: kind === 'rule' ? undefined : 'resources' }}>
          {name}
        </Link>
      );
    default:
      return <code title={event.target}>{name}</code>;
  }
}

/** The name that the event keeps of its target; '' when it keeps none. */
function nameIn(detail: AuditEvent['detail']): string {
  const name = detail.name ?? detail.Name;
  return typeof name === 'string' ? name : '';
}

/** The last group of an id; the whole one is on hover or in the details. */
function shortId(id: string): string {
  return id.length > 12 ? `…${id.slice(-6)}` : id;
}
