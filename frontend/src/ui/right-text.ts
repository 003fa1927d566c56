import { useTranslation } from 'react-i18next';

/** What a right of the authorization table lets one do, in words; one that the catalogue does not know stays as it is. */
export function useRightText(): (right: string) => string {
  const { t } = useTranslation();
  return (right) => t(`rights.${right.replaceAll('.', '_')}`, { defaultValue: right });
}
