package dev.perdure.store;

/**
 * The key of an item of a map, see {@code df._map_items}.
 *
 * @param instance whose map it is, eight hex digits
 * @param map {@code df._maps.id}
 * @param first ordinal of its first row
 * @param last ordinal of its last row: the same, unless it is a batch
 */
public record ItemKey(String instance, long map, long first, long last) {

    /** The text that the tables have. */
    public String text() {
        return instance + "." + map + "." + first;
    }

    /** Number of its rows. */
    public long size() {
        return last - first + 1;
    }

    /** The part of the key that names instance and map. */
    public static String mapOf(String key) {
        return key.substring(0, key.lastIndexOf('.'));
    }

    /** Whether a key is of an item. */
    public static boolean isItem(String key) {
        return key.indexOf('.') >= 0;
    }

    /** The instance of a key, of an item or of an instance itself. */
    public static String instanceOf(String key) {
        int dot = key.indexOf('.');
        return dot < 0 ? key : key.substring(0, dot);
    }
}
