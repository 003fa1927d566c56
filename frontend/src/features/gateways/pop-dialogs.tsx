import { Button, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPencil, IconTrash } from '@tabler/icons-react';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { deletePop, type Pop, updatePop } from '../../api/gateways.ts';
import { useAction } from '../../ui/action.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { RowMenu } from '../../ui/row-menu.tsx';
import classes from './gateways.module.css';
import { PopFields, type PopValues } from './pop-fields.tsx';

const refresh = [['pops'], ['gateways'], ['profiles'], ['audit']];

export function PopMenu({ pop }: { pop: Pop }) {
  const { t } = useTranslation();
  const [editing, edit] = useDisclosure(false);
  const [removing, remove] = useDisclosure(false);
  const del = useAction(() => deletePop(pop.id), { refresh, done: remove.close });
  return (
    <>
      <RowMenu name={pop.name}>
        <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={edit.open}>
          {t('common.edit')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={remove.open}>
          {t('common.delete')}
        </Menu.Item>
      </RowMenu>
      <EditPop pop={pop} opened={editing} onClose={edit.close} />
      <Confirm
        opened={removing}
        onClose={remove.close}
        title={t('pops.deleteTitle', { name: pop.name })}
        verb={t('common.delete')}
        onConfirm={() => del.run()}
        pending={del.pending}
        problem={del.problem}
      >
        <p>{t('pops.deleteWhat')}</p>
      </Confirm>
    </>
  );
}

function EditPop({ pop, opened, onClose }: { pop: Pop; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const [values, setValues] = useState<PopValues>(pop);
  const save = useAction(
    () =>
      updatePop(pop.id, {
        ...values,
        name: values.name.trim(),
        latitude: pop.latitude,
        longitude: pop.longitude,
      }),
    { refresh, done: onClose },
  );
  useEffect(() => {
    if (opened) setValues({ name: pop.name, country: pop.country, networks: pop.networks });
  }, [opened, pop]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.run();
  };
  return (
    <Dialog opened={opened} onClose={onClose} title={t('pops.edit', { name: pop.name })}>
      <form onSubmit={submit} className={classes.form}>
        <PopFields values={values} onChange={setValues} problems={save.problem?.byField()} />
        <ProblemNote problem={save.problem} fields />
        <div className={classes.formRow}>
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.pending}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
