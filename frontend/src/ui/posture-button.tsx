import { Button } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Device } from '../api/devices.ts';
import { loadPostureTexts } from '../i18n/i18n.ts';

/** The dialog and its texts, when somebody wants them. */
export const LazyPostureDialog = lazy(async () => {
  const [dialog] = await Promise.all([import('./posture-dialog.tsx'), loadPostureTexts()]);
  return { default: dialog.PostureDialog };
});

/** The way from a device that is held back by its checks to what to do about it; nothing where it is not. */
export function PostureButton({ device }: { device: Device }) {
  const { t } = useTranslation();
  const [opened, open] = useState(false);
  if (!device.grant.holds?.some((h) => h.source === 'posture')) return null;
  return (
    <>
      <Button variant="light" size="xs" mt="sm" onClick={() => open(true)}>
        {t('held.fix')}
      </Button>
      {opened && (
        <Suspense>
          <LazyPostureDialog device={device} onClose={() => open(false)} />
        </Suspense>
      )}
    </>
  );
}
