import { useTranslation } from 'react-i18next';

/** The group that everybody is in, without memberships. */
export const everyone = 'everyone';

/** The name of a group in the reader's language, where it is ours to say. */
export function useGroupName(): (group: { id: string; name: string }) => string {
  const { t } = useTranslation();
  return (group) => (group.id === everyone ? t('groups.everyone') : group.name);
}
