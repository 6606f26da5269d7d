package dev.perdure.flow.template;

/**
 * The limit of text that a decision may make: of statements and requests together, in characters. A few references can make
 * gigabytes of a variable of a megabyte, so it is counted before it is made.
 *
 * @param made by one decision
 * @param referenced most of a result that is taken apart to be put into a text
 * @param weight most memory of the results that one text takes apart ({@link dev.perdure.flow.result.Json#weight})
 */
public record TextLimits(int made, int referenced, long weight) {

    /** The default limits: 8 Mi characters of text, of a result 16 Mi; how heavy that is depends on the memory that there is. */
    public static final TextLimits DEFAULT = new TextLimits(8 * 1024 * 1024, 16 * 1024 * 1024, Long.MAX_VALUE);
}
