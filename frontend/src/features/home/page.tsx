import { Button } from '@mantine/core';
import { IconDeviceLaptop, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { myDevicesQuery } from '../../api/devices.ts';
import { Page, Section } from '../../ui/page.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { BigStatus } from './big-status.tsx';
import { DeviceCard } from './device-card.tsx';
import { GraceNote } from './grace-note.tsx';
import classes from './home.module.css';

export function HomePage() {
  const { t } = useTranslation();
  const devices = useQuery(myDevicesQuery());
  const add = (
    <Button component={Link} to="/devices/new" leftSection={<IconPlus size={16} aria-hidden />}>
      {t('home.add')}
    </Button>
  );
  return (
    <Page title={t('home.title')}>
      <GraceNote />
      <Answer query={devices}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={<IconDeviceLaptop size={28} stroke={1.6} />} title={t('home.emptyTitle')} action={add}>
              {t('home.emptyLead')}
            </Empty>
          ) : (
            <>
              <BigStatus devices={list} />
              <Section title={t('home.devices')} actions={add}>
                <ul className={classes.cards}>
                  {list.map((device) => (
                    <li key={device.id}>
                      <DeviceCard device={device} />
                    </li>
                  ))}
                </ul>
              </Section>
            </>
          )
        }
      </Answer>
    </Page>
  );
}
