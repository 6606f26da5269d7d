package dev.perdure.store;

/**
 * By what an item of a map is known, see {@code df._map_items}.
 *
 * @param instance whose map it is, eight hex digits
 * @param map {@code df._maps.id}
 * @param first ordinal of its first row
 * @param last ordinal of its last row: the same, unless it is a batch
 */
public record ItemKey(String instance, long map, long first, long last) {

    /** As the tables have it. */
    public String text() {
        return instance + "." + map + "." + first;
    }

    /** How many rows it has. */
    public long size() {
        return last - first + 1;
    }

    /** Instance and map of an item's key. */
    public static String mapOf(String key) {
        return key.substring(0, key.lastIndexOf('.'));
    }

    /** Whether a key is that of an item. */
    public static boolean isItem(String key) {
        return key.indexOf('.') >= 0;
    }

    /** The instance of a key, be it that of an item or of an instance itself. */
    public static String instanceOf(String key) {
        int dot = key.indexOf('.');
        return dot < 0 ? key : key.substring(0, dot);
    }
}
