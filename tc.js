const {themeCheckRun} = require('@shopify/theme-check-node');
themeCheckRun(process.argv[2], process.argv[3]).then(({offenses}) => console.log(offenses.map(one => `${one.check} ${one.uri}:${one.start.line + 1} ${one.message}`).join('\n')));
