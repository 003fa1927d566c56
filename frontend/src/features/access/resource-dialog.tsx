import { NativeSelect, Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { createResource, deleteResource, groupsQuery, type Resource, updateResource } from '../../api/policy.ts';
import { useAction } from '../../ui/action.ts';
import { PolicyPreviewNote } from '../../ui/policy-preview.tsx';
import { parsePrefix } from '../../wireguard/prefix.ts';
import { EditForm } from './edit-form.tsx';
import { formatPorts, parsePorts } from './words.ts';

type Props = { opened: boolean; resource?: Resource; onClose: () => void };
type Transport = Resource['transport'];

const everyone = 'everyone'; // not offered, and shown where a file has it
const transports: Transport[] = ['any', 'tcp', 'udp', 'icmp'];

export function ResourceDialog({ opened, resource, onClose }: Props) {
  const { t } = useTranslation();
  const [name, setName] = useState(resource?.name ?? '');
  const [prefixes, setPrefixes] = useState(resource?.prefixes ?? []);
  const [transport, setTransport] = useState<Transport>(resource?.transport ?? 'tcp');
  const [portsText, setPortsText] = useState(formatPorts(resource?.ports ?? []));
  const [requestable, setRequestable] = useState(resource?.requestable ?? false);
  const [approvers, setApprovers] = useState<string | null>(resource?.approvers ?? null);
  const groups = useQuery(groupsQuery());
  const hasPorts = transport === 'tcp' || transport === 'udp';
  const ports = hasPorts ? parsePorts(portsText) : [];
  const [tags, setTags] = useState(resource?.tags ?? []);
  const badPrefix = prefixes.find((p) => !parsePrefix(p));

  const body = {
    name: name.trim(),
    prefixes,
    transport,
    ports: ports ?? [],
    tags,
    requestable,
    approvers: requestable ? (approvers ?? undefined) : undefined,
  };
  const ready = !!name.trim() && prefixes.length > 0 && !badPrefix && ports !== undefined;
  const save = useAction(() => (resource ? updateResource(resource.id, body) : createResource(body)), {
    refresh: [['resources'], ['rules'], ['audit']],
    done: onClose,
  });
  const problems = save.problem?.byField() ?? {};
  return (
    <EditForm
      opened={opened}
      onClose={onClose}
      title={resource ? t('access.editResource') : t('access.addResource')}
      onSave={() => save.run()}
      saving={save.pending}
      problem={save.problem}
      ready={ready}
      remove={
        resource && {
          run: () => deleteResource(resource.id),
          title: t('access.deleteTitle', { name: resource.name }),
          what: t('access.deleteResource'),
        }
      }
    >
      <TextInput
        label={t('access.name')}
        value={name}
        maxLength={64}
        onChange={(e) => setName(e.currentTarget.value)}
        error={problems.name}
        data-autofocus
      />
      <TagsInput
        label={t('access.prefixes')}
        description={t('access.prefixesHint')}
        placeholder={prefixes.length === 0 ? '10.20.4.0/24' : undefined}
        value={prefixes}
        onChange={setPrefixes}
        splitChars={[',', ' ', ';']}
        acceptValueOnBlur
        error={badPrefix ? t('profiles.badPrefix', { prefix: badPrefix }) : problems.prefixes}
      />
      <NativeSelect
        label={t('access.transport')}
        value={transport}
        onChange={(e) => setTransport(e.currentTarget.value as Transport)}
        data={transports.map((value) => ({ value, label: t(`transport.${value}`) }))}
      />
      {hasPorts && (
        <TextInput
          label={t('access.ports')}
          description={t('access.portsHint')}
          placeholder="22, 443, 8000-8080"
          value={portsText}
          onChange={(e) => setPortsText(e.currentTarget.value)}
          error={ports === undefined ? t('access.badPorts') : problems.ports}
        />
      )}
      <Switch
        label={t('access.requestable')}
        description={t('access.requestableHint')}
        checked={requestable}
        onChange={(e) => setRequestable(e.currentTarget.checked)}
      />
      {requestable && (
        <Select
          label={t('access.approvers')}
          placeholder={t('access.approversAdmins')}
          value={approvers}
          onChange={setApprovers}
          data={[
            ...(approvers === everyone ? [{ value: everyone, label: t('access.approversEveryone') }] : []),
            ...(groups.data ?? []).filter((g) => g.id !== everyone).map((g) => ({ value: g.id, label: g.name })),
          ]}
          error={problems.approvers}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
        />
      )}
      <TagsInput
        label={t('accessWhen.resourceTags')}
        description={t('accessWhen.resourceTagsHint')}
        value={tags}
        onChange={setTags}
        splitChars={[',', ' ', ';']}
        acceptValueOnBlur
        error={problems.tags}
      />
      <PolicyPreviewNote change={{ id: resource?.id, resource: body }} ready={opened && ready} />
    </EditForm>
  );
}
