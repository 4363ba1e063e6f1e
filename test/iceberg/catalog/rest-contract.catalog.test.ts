import { openRestCatalog } from '../../../src/iceberg/catalog/rest.ts';
import { catalogContract } from '../../contract/catalog.ts';
import { testCatalog } from '../../services/rest-catalog.ts';

const { url, namespace } = await testCatalog();

catalogContract({
  name: 'REST',
  open: () => openRestCatalog('rest', { uri: url }),
  namespace,
});
