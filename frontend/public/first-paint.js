// Runs before the first paint: sets theme and language on <html>, so that nothing flashes. Same keys as src/ui/scheme.ts and src/i18n/language.ts.
(() => {
  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const scheme = read('sallyport.scheme');
  const dark = scheme === 'dark' || (scheme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.mantineColorScheme = dark ? 'dark' : 'light';
  const language = read('sallyport.language') ?? navigator.language;
  document.documentElement.lang = language.startsWith('ko') ? 'ko' : 'en';
})();
