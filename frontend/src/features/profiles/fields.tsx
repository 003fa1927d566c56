import {
  Button,
  Checkbox,
  Group,
  MultiSelect,
  NumberInput,
  Switch,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { popsQuery } from '../../api/gateways.ts';
import { groupsQuery } from '../../api/policy.ts';
import { ChoiceCard, ChoiceList } from '../../ui/choice.tsx';
import { Card } from '../../ui/page.tsx';
import { parsePrefix } from '../../wireguard/prefix.ts';
import classes from './profiles.module.css';
import { localNetworks, type Values, withAll } from './values.ts';

type Props = { values: Values; onChange: (values: Values) => void; problems: Record<string, string> };

const separators = [',', ' ', ';'];

export function ProfileFields({ values, onChange, problems }: Props) {
  const { t } = useTranslation();
  const groups = useQuery(groupsQuery());
  const pops = useQuery(popsQuery());
  const set = (part: Partial<Values>) => onChange({ ...values, ...part });
  const wrong = (list: string[]) => list.find((p) => !parsePrefix(p));
  const prefixProblem = (list: string[], field: string) => {
    const bad = wrong(list);
    return bad ? t('profiles.badPrefix', { prefix: bad }) : problems[field];
  };

  return (
    <>
      <Card>
        <div className={classes.stack}>
          <TextInput
            label={t('profiles.name')}
            value={values.name}
            maxLength={64}
            required
            withAsterisk={false}
            onChange={(e) => set({ name: e.currentTarget.value })}
            error={problems.name}
          />
          <Textarea
            label={t('profiles.description')}
            description={t('profiles.descriptionHint')}
            value={values.description}
            maxLength={500}
            autosize
            minRows={2}
            onChange={(e) => set({ description: e.currentTarget.value })}
            error={problems.description}
          />
        </div>
      </Card>
      <Card>
        <div className={classes.stack}>
          <h2>{t('profiles.traffic')}</h2>
          <ChoiceList legend={t('profiles.mode')} columns>
            {(['split', 'full'] as const).map((mode) => (
              <ChoiceCard
                key={mode}
                group="mode"
                value={mode}
                checked={values.mode === mode}
                onChoose={() => set({ mode })}
                title={t(`mode.${mode}`)}
              />
            ))}
          </ChoiceList>
          {values.mode === 'split' && (
            <TagsInput
              label={t('profiles.included')}
              description={t('profiles.includedHint')}
              placeholder={values.included.length === 0 ? '10.20.0.0/16' : undefined}
              value={values.included}
              onChange={(included) => set({ included })}
              splitChars={separators}
              acceptValueOnBlur
              error={prefixProblem(values.included, 'included')}
            />
          )}
          {values.mode === 'split' && (
            <TagsInput
              label={t('profiles.hosts')}
              description={t('profiles.hostsHint')}
              placeholder={values.names.length === 0 ? 'git.example.com' : undefined}
              value={values.names}
              maxTags={50}
              onChange={(names) => set({ names })}
              splitChars={separators}
              acceptValueOnBlur
              error={problems.names}
            />
          )}
          <TagsInput
            label={t('profiles.excluded')}
            description={t('profiles.excludedHint')}
            value={values.excluded}
            onChange={(excluded) => set({ excluded })}
            splitChars={separators}
            acceptValueOnBlur
            error={prefixProblem(values.excluded, 'excluded')}
          />
          {values.mode === 'full' && (
            <div className={classes.shortcuts}>
              <span>{t('profiles.exceptLocal')}</span>
              {(['home', 'private'] as const).map((kind) => (
                <Button
                  key={kind}
                  size="compact-sm"
                  variant="default"
                  onClick={() => set({ excluded: withAll(values.excluded, localNetworks[kind]) })}
                >
                  {t(`profiles.local.${kind}`)}
                </Button>
              ))}
            </div>
          )}
        </div>
      </Card>
      <Card>
        <div className={classes.stack}>
          <h2>{t('profiles.names')}</h2>
          <TagsInput
            label={t('profiles.dns')}
            description={t('profiles.dnsHint')}
            value={values.dns}
            maxTags={8}
            onChange={(dns) => set({ dns })}
            splitChars={separators}
            acceptValueOnBlur
            error={problems.dns}
          />
          <TagsInput
            label={t('profiles.searchDomains')}
            value={values.search}
            maxTags={16}
            onChange={(search) => set({ search })}
            splitChars={separators}
            acceptValueOnBlur
            error={problems.search}
          />
          <TagsInput
            label={t('profiles.match')}
            description={t('profiles.matchHint')}
            value={values.match}
            maxTags={16}
            onChange={(match) => set({ match })}
            splitChars={separators}
            acceptValueOnBlur
            error={problems.match}
          />
        </div>
      </Card>
      <Card>
        <div className={classes.stack}>
          <h2>{t('profiles.who')}</h2>
          <MultiSelect
            label={t('profiles.groups')}
            description={t('profiles.groupsHint')}
            placeholder={values.groups.length === 0 ? t('profiles.everyone') : undefined}
            value={values.groups}
            onChange={(list) => set({ groups: list })}
            data={(groups.data ?? []).map((g) => ({ value: g.id, label: g.name }))}
            error={problems.groups}
            searchable
          />
          <MultiSelect
            label={t('profiles.regions')}
            description={t('profiles.regionsHint')}
            placeholder={values.pops.length === 0 ? t('profiles.everywhere') : undefined}
            value={values.pops}
            onChange={(list) => set({ pops: list })}
            data={(pops.data ?? []).map((p) => ({ value: p.id, label: p.name }))}
            error={problems.pops}
            searchable
          />
          <div className={classes.grid}>
            <NumberInput
              label={t('profiles.sessionHours')}
              value={values.sessionHours}
              onChange={(sessionHours) => set({ sessionHours })}
              min={0.02}
              max={8760}
              error={problems.sessionSeconds}
            />
            <NumberInput
              label={t('profiles.idleMinutes')}
              description={t('profiles.zeroNever')}
              value={values.idleMinutes}
              onChange={(idleMinutes) => set({ idleMinutes })}
              min={0}
              max={43200}
              error={problems.idleSeconds}
            />
            <NumberInput
              label={t('profiles.maxDevices')}
              description={t('profiles.zeroNoLimit')}
              value={values.maxDevices}
              onChange={(maxDevices) => set({ maxDevices })}
              min={0}
              max={1000}
              allowDecimal={false}
              error={problems.maxDevices}
            />
            <NumberInput
              label={t('profiles.keepalive')}
              description={t('profiles.zeroNone')}
              value={values.keepalive}
              onChange={(keepalive) => set({ keepalive })}
              min={0}
              max={3600}
              allowDecimal={false}
              error={problems.keepalive}
            />
            <NumberInput
              label="MTU"
              description={t('profiles.mtuHint')}
              value={values.mtu}
              onChange={(mtu) => set({ mtu })}
              min={0}
              max={9000}
              allowDecimal={false}
              error={problems.mtu}
            />
          </div>
          <Checkbox.Group
            label={t('profiles.protocols')}
            description={t('profiles.protocolsHint')}
            value={values.protocols}
            onChange={(protocols) => set({ protocols: protocols as Values['protocols'] })}
            error={problems.protocols}
          >
            <Group gap="lg" mt={8}>
              <Checkbox value="wireguard" label={t('openvpn.name.wireguard')} />
              <Checkbox value="openvpn" label={t('openvpn.name.openvpn')} />
            </Group>
          </Checkbox.Group>
          <Switch
            label={t('profiles.approval')}
            description={t('profiles.approvalHint')}
            checked={values.approval}
            onChange={(e) => set({ approval: e.currentTarget.checked })}
          />
          <Switch
            label={t('profiles.logoutEndsGrants')}
            description={t('profiles.logoutEndsGrantsHint')}
            checked={values.logoutEndsGrants}
            onChange={(e) => set({ logoutEndsGrants: e.currentTarget.checked })}
          />
        </div>
      </Card>
    </>
  );
}
