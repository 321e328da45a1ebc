/** The database of installed packages (PKG_DBDIR). */
export { BtreeReader, BufferPages, FilePages } from "./btree";
export type { BtreeRecord, PageSource } from "./btree";
export { BtreeWriter, writeBtree } from "./btree-writer";
export type { BtreeWriterOptions, PageSink } from "./btree-writer";
export {
  changedFileIndex,
  FILE_INDEX_NAME,
  FileIndex,
  indexedPackage,
  installedNames,
  readInstalledContents,
  rebuiltFileIndex,
} from "./file-index";
export type { FileOwners, IndexedPackage, RebuildOptions } from "./file-index";
export {
  InstalledCache,
  installedRecord,
  isAutomatic,
  loadInstalled,
  readAllInstalled,
  readInstalled,
} from "./installed";
export type { BrokenEntry, InstalledEntry, InstalledFiles, InstalledSink } from "./installed";
