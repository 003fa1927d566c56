import { IconCloudDown, IconLogin2, IconPencil } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { GroupSource } from '../../api/groups.ts';
import { Chip } from '../../ui/chip.tsx';
import classes from './groups.module.css';

const icons = { claim: IconLogin2, scim: IconCloudDown, local: IconPencil };

/** Who says that somebody is a member: claims at sign-in, a directory, an administrator. */
export function Sources({ sources }: { sources: GroupSource[] | undefined }) {
  const { t } = useTranslation();
  if (!sources || sources.length === 0) return <span className={classes.dim}>–</span>;
  return (
    <span className={classes.sources}>
      {sources.map((source) => (
        <Chip key={source} tone={source === 'local' ? 'accent' : 'plain'} icon={icons[source]}>
          {t(`groups.source.${source}`)}
        </Chip>
      ))}
    </span>
  );
}
