import {
  Anchor,
  Checkbox,
  NativeSelect,
  NumberInput,
  PasswordInput,
  Switch,
  TagsInput,
  TextInput,
} from '@mantine/core';
import { type ReactNode, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Card } from '../../ui/page.tsx';
import { placeholderIn } from './presets.ts';
import type { FieldProblems } from './problems.ts';
import classes from './providers.module.css';
import { idOf, type Values } from './values.ts';

type Props = {
  values: Values;
  onChange: (values: Values) => void;
  isNew: boolean;
  kept: boolean; // there is a secret, which stays unless another one is typed
  problems: FieldProblems;
  fixed?: boolean; // only to look at, so nothing is folded away
};

type PartProps = Omit<Props, 'onChange'> & { set: (part: Partial<Values>) => void };

const words = [',', ' '];

const factorFields = ['trustAmr', 'trustAcr'] as const;
const moreFields = ['subjectClaim', 'nameClaim', 'emailClaim', 'prompt', 'maxAgeMinutes', 'acrValues'] as const;

export function ProviderFields({ onChange, ...rest }: Props) {
  const { t } = useTranslation();
  const { values, problems, fixed } = rest;
  const part = { ...rest, set: (change: Partial<Values>) => onChange({ ...values, ...change }) };
  const wrong = (...names: string[]) => names.some((n) => n in problems);
  return (
    <>
      <Part title={t('providers.connection')}>
        <Connection {...part} />
      </Part>
      <Part title={t('providers.who')}>
        <WhoGetsIn {...part} />
      </Part>
      <Part title={t('providers.groupsAndRoles')} lead={t('providers.groupsLead')}>
        <GroupsAndRoles {...part} />
      </Part>
      <Part
        title={t('providers.factorTitle')}
        lead={t('providers.factorLead')}
        folded={fixed ? undefined : unused(values, factorFields)}
        wrong={wrong(...factorFields)}
      >
        <TrustedFactor {...part} />
      </Part>
      <Part
        title={t('providers.more')}
        lead={t('providers.moreLead')}
        folded={fixed ? undefined : unused(values, moreFields)}
        wrong={wrong('maxAge', 'scopes', ...moreFields)}
      >
        <More {...part} />
      </Part>
    </>
  );
}

function unused(values: Values, names: readonly (keyof Values)[]): boolean {
  return names.every((n) => values[n] === '' || (Array.isArray(values[n]) && values[n].length === 0));
}

type PartBox = { title: string; lead?: string; folded?: boolean; wrong?: boolean; children: ReactNode };

/** A card with a heading. One that may be folded begins so where nothing in it is set, and opens by a click or by a problem inside. */
function Part({ title, lead, folded, wrong, children }: PartBox) {
  const [mayFold] = useState(folded !== undefined);
  const [open, setOpen] = useState(!folded);
  const id = useId();
  const shown = open || wrong;
  return (
    <Card>
      <div className={classes.stack}>
        <div>
          <h2>
            {mayFold ? (
              <button
                type="button"
                className={classes.fold}
                aria-expanded={shown}
                aria-controls={id}
                onClick={() => setOpen(!open)}
              >
                {title}
              </button>
            ) : (
              title
            )}
          </h2>
          {lead && <p className={classes.dim}>{lead}</p>}
        </div>
        <div id={id} className={classes.stack} hidden={!shown}>
          {shown && children}
        </div>
      </div>
    </Card>
  );
}

function Connection({ values, set, isNew, kept, problems }: PartProps) {
  const { t } = useTranslation();
  const [typedId, typeId] = useState(!isNew || values.id !== '');
  const missing = placeholderIn(values.issuer);
  const secretHint = kept ? t('providers.secretKept') : undefined;
  return (
    <>
      <div className={classes.grid}>
        <TextInput
          label={t('providers.name')}
          description={t('providers.nameHint')}
          value={values.name}
          maxLength={64}
          required
          withAsterisk={false}
          onChange={(e) => set({ name: e.currentTarget.value, ...(!typedId && { id: idOf(e.currentTarget.value) }) })}
          error={problems.name}
        />
        <TextInput
          label={t('providers.id')}
          description={t(isNew ? 'providers.idHint' : 'providers.idFixed')}
          value={values.id}
          maxLength={32}
          pattern="[a-z0-9\-]+"
          required
          withAsterisk={false}
          readOnly={!isNew}
          onChange={(e) => {
            typeId(true);
            set({ id: e.currentTarget.value.toLowerCase() });
          }}
          error={problems.id}
          className="mono-input"
        />
      </div>
      <TextInput
        label={t('providers.issuer')}
        description={missing ? t('providers.replace', { word: missing }) : t('providers.issuerHint')}
        value={values.issuer}
        maxLength={1024}
        type="url"
        required
        withAsterisk={false}
        spellCheck={false}
        onChange={(e) => set({ issuer: e.currentTarget.value })}
        error={problems.issuer}
      />
      <TextInput
        label={t('providers.clientId')}
        value={values.clientId}
        maxLength={512}
        required
        withAsterisk={false}
        spellCheck={false}
        autoComplete="off"
        onChange={(e) => set({ clientId: e.currentTarget.value })}
        error={problems.clientId}
      />
      {!values.publicClient && (
        <PasswordInput
          label={t('providers.secret')}
          description={secretHint}
          value={values.secret}
          maxLength={4096}
          autoComplete="new-password"
          placeholder={kept ? '••••••••' : undefined}
          visibilityToggleButtonProps={{ 'aria-label': t('providers.showSecret') }}
          onChange={(e) => set({ secret: e.currentTarget.value })}
          error={problems.clientSecret}
        />
      )}
      <Checkbox
        label={t('providers.publicClient')}
        description={t('providers.publicHint')}
        checked={values.publicClient}
        onChange={(e) => set({ publicClient: e.currentTarget.checked, secret: '' })}
      />
      <Switch
        label={t('providers.offered')}
        description={t('providers.offeredHint')}
        checked={values.enabled}
        onChange={(e) => set({ enabled: e.currentTarget.checked })}
      />
    </>
  );
}

function WhoGetsIn({ values, set, problems }: PartProps) {
  const { t } = useTranslation();
  return (
    <>
      <Switch
        label={t('providers.create')}
        description={t('providers.createHint')}
        checked={values.create}
        onChange={(e) => set({ create: e.currentTarget.checked })}
      />
      <TagsInput
        label={t('providers.domains')}
        description={t('providers.domainsHint')}
        placeholder="example.com"
        value={values.domains}
        onChange={(domains) => set({ domains })}
        splitChars={words}
        maxTags={100}
        error={problems.domains}
      />
      {values.preset === 'google' && values.create && values.domains.length === 0 && (
        <p className={classes.warning}>{t('providers.googleOpen')}</p>
      )}
      <Checkbox
        label={t('providers.emailTrusted')}
        description={t('providers.emailTrustedHint')}
        checked={values.emailTrusted}
        onChange={(e) => set({ emailTrusted: e.currentTarget.checked })}
      />
    </>
  );
}

const roles = [
  ['ownerGroups', 'owner'],
  ['adminGroups', 'admin'],
  ['networkAdminGroups', 'network_admin'],
  ['helpDeskGroups', 'help_desk'],
  ['auditorGroups', 'auditor'],
] as const;

function GroupsAndRoles({ values, set, problems }: PartProps) {
  const { t } = useTranslation();
  const mapped = roles.some(([field]) => values[field].length > 0);
  const [open, setOpen] = useState(mapped);
  const shown = open || roles.some(([field]) => field in problems);
  return (
    <>
      <TextInput
        label={t('providers.groupsClaim')}
        description={t('providers.groupsClaimHint')}
        value={values.groupsClaim}
        maxLength={256}
        spellCheck={false}
        onChange={(e) => set({ groupsClaim: e.currentTarget.value })}
        error={problems.groupsClaim}
      />
      {!shown && (
        <Anchor component="button" type="button" size="sm" onClick={() => setOpen(true)} className={classes.start}>
          {t('providers.mapRoles')}
        </Anchor>
      )}
      {shown &&
        roles.map(([field, role]) => (
          <TagsInput
            key={field}
            label={t('providers.roleGroups', { role: t(`role.${role}`) })}
            description={role === 'owner' ? t('providers.roleGroupsHint') : undefined}
            value={values[field]}
            onChange={(list) => set({ [field]: list })}
            splitChars={[',']}
            maxTags={100}
            error={problems[field]}
          />
        ))}
    </>
  );
}

function TrustedFactor({ values, set, problems }: PartProps) {
  const { t } = useTranslation();
  return (
    <div className={classes.grid}>
      <TagsInput
        label={t('providers.trustAmr')}
        description={t('providers.trustAmrHint')}
        value={values.trustAmr}
        onChange={(trustAmr) => set({ trustAmr })}
        splitChars={words}
        maxTags={20}
        error={problems.trustAmr}
      />
      <TagsInput
        label={t('providers.trustAcr')}
        description={t('providers.trustAcrHint')}
        value={values.trustAcr}
        onChange={(trustAcr) => set({ trustAcr })}
        splitChars={words}
        maxTags={20}
        error={problems.trustAcr}
      />
    </div>
  );
}

const prompts = ['', 'select_account', 'login', 'consent'] as const;

function More({ values, set, problems }: PartProps) {
  const { t } = useTranslation();
  const claim = (field: 'subjectClaim' | 'nameClaim' | 'emailClaim', standard: string) => (
    <TextInput
      label={t(`providers.${field}`)}
      description={t(`providers.${field}Hint`)}
      placeholder={standard}
      value={values[field]}
      maxLength={256}
      spellCheck={false}
      onChange={(e) => set({ [field]: e.currentTarget.value })}
      error={problems[field]}
    />
  );
  return (
    <>
      {claim('subjectClaim', 'sub')}
      <div className={classes.grid}>
        {claim('nameClaim', 'name')}
        {claim('emailClaim', 'email')}
      </div>
      <TagsInput
        label={t('providers.scopes')}
        description={t('providers.scopesHint')}
        value={values.scopes}
        onChange={(scopes) => set({ scopes })}
        splitChars={words}
        maxTags={20}
        error={problems.scopes}
      />
      <div className={classes.grid}>
        <NativeSelect
          label={t('providers.prompt')}
          description={t('providers.promptHint')}
          value={values.prompt}
          onChange={(e) => set({ prompt: e.currentTarget.value as Values['prompt'] })}
          data={prompts.map((p) => ({ value: p, label: t(`providerPrompt.${p || 'none'}`) }))}
          error={problems.prompt}
        />
        <NumberInput
          label={t('providers.maxAge')}
          description={t('providers.maxAgeHint')}
          min={0}
          max={43200}
          allowDecimal={false}
          value={values.maxAgeMinutes}
          onChange={(n) => set({ maxAgeMinutes: n === '' ? '' : Number(n) })}
          error={problems.maxAge}
        />
      </div>
      <TagsInput
        label={t('providers.acrValues')}
        description={t('providers.acrValuesHint')}
        value={values.acrValues}
        onChange={(acrValues) => set({ acrValues })}
        splitChars={words}
        maxTags={20}
        error={problems.acrValues}
      />
      <Switch
        label={t('providers.logout')}
        description={t('providers.logoutHint')}
        checked={values.logout}
        onChange={(e) => set({ logout: e.currentTarget.checked })}
      />
    </>
  );
}
