package dev.perdure.faults.ledger;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Random workflows. The same random numbers give the same workflows. */
public final class Generator {

    private final RandomGenerator random;
    private final @Nullable String service;
    private int steps;

    /**
     * A source of workflows.
     *
     * @param service what HTTP steps call, {@code http://host:port}; null: there are none
     */
    public Generator(RandomGenerator random, @Nullable String service) {
        this.random = random;
        this.service = service;
    }

    /** A workflow that may end in a failure. */
    public Shape workflow() {
        steps = 0;
        if (random.nextInt(3) == 0) {
            return leaf();
        }
        List<Shape> parts = new ArrayList<>();
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            parts.add(part(2));
        }
        if (random.nextInt(12) == 0) {
            parts.add(
                    random.nextBoolean()
                            ? new FailingStep(name("f"))
                            : new RetriedPart(name("x"), name("a"), 2, 2));
            parts.add(step());
        }
        boolean isAsked = random.nextInt(12) == 0;
        if (isAsked && parts.stream().noneMatch(part -> part.fails() || calls(part))) {
            parts.add(new MendedStep(name("m")));
            parts.add(step());
        }
        return parts.size() == 1 ? parts.get(0) : new Sequence(parts);
    }

    /**
     * Whether it calls: when an instance that was cancelled meanwhile is redriven it starts another child, or another activity, and leaves the rows again. Or
     * whether it has a section: in between such an instance has given its slot back.
     */
    private static boolean calls(Shape shape) {
        boolean[] found = new boolean[1];
        shape.visit(part -> found[0] |= part instanceof CalledPart || part instanceof ActivityStep || part instanceof DecidedStep || part instanceof SectionPart);
        return found[0];
    }

    /** A chain of SQL steps. */
    public static Shape chain(int length, double seconds) {
        List<Shape> parts = new ArrayList<>();
        for (int i = 1; i <= length; i++) {
            parts.add(new SqlStep("s" + i, seconds));
        }
        return length == 1 ? parts.get(0) : new Sequence(parts);
    }

    /** A map of so many items, of one statement each or of two with a pause between them. */
    public static Shape map(int items, boolean isOneStatement) {
        return new MapPart("m1", items, isOneStatement ? MapPart.Kind.ONE_STATEMENT : MapPart.Kind.TWO_STATEMENTS, false);
    }

    /** A section of the queue that all share, of one of its two keys. */
    public static Shape section(int number) {
        return new SectionPart(SectionPart.PREFIX + 1, number % 2 == 0 ? "a" : "b", 0.05);
    }

    /** A step whose transaction stays in COMMIT for so long, and one that follows. */
    public static Shape slowCommit(int seconds) {
        return Sequence.of(new SlowCommitStep("s1", 5 * seconds), new SqlStep("s2", 0));
    }

    /** What the owner writes for others, after a step that lasts: a timer, a signal, a failure, in turn. */
    public static Shape waiting(int which, double seconds) {
        Shape next =
                switch (which % 4) {
                    case 0 -> new Sleep(1);
                    case 1 -> new SignalledStep("w2");
                    case 2 -> new FailingStep("f2");
                    default -> new AutocommitStep("o2");
                };
        return Sequence.of(new SqlStep("s1", seconds), next, new SqlStep("s3", 0));
    }

    /** One after the other: a request, a timer and a step outside a transaction, which the owner writes. */
    public Shape ofOwner() {
        return Sequence.of(request(0), new Sleep(1), new AutocommitStep("o1"), new SqlStep("s1", 0));
    }

    private Shape part(int depth) {
        if (depth == 0) {
            return leaf();
        }
        return switch (random.nextInt(21)) {
            case 20 -> new StubbornLoop(name("c"), name("l"), 2 + random.nextInt(3));
            case 19 -> new SectionPart(name(SectionPart.PREFIX), random.nextBoolean() ? "a" : "b", random.nextInt(3) * 0.05);
            case 18 -> new CalledPart(name("k"));
            case 16 -> new MapPart(
                    name("m"),
                    random.nextInt(8) == 0 ? 40 : random.nextInt(9),
                    MapPart.Kind.values()[random.nextInt(3)],
                    random.nextInt(3) == 0);
            case 17 -> new SagaPart(
                    new SqlStep(name("s"), random.nextInt(3) * 0.05),
                    new SqlStep(name("s"), random.nextInt(3) * 0.05),
                    new FailingStep(name("f")),
                    part(depth - 1));
            case 15 -> limited();
            case 12 -> new RowsChoice(name("q"), random.nextBoolean(), part(depth - 1), step());
            case 13 -> {
                int failures = random.nextInt(3);
                yield new RetriedPart(name("s"), name("a"), failures, failures + 1);
            }
            case 14 -> new CaughtPart(step(), new FailingStep(name("f")), part(depth - 1));
            case 0, 1 -> new Join(part(depth - 1), part(depth - 1));
            case 2 -> new Race(new Sleep(3600), calm());
            case 3 -> new Race(calm(), calm());
            case 4 -> {
                boolean condition = random.nextBoolean();
                yield new Choice(condition, part(depth - 1), step());
            }
            case 5 -> new Loop(name("c"), calm(), 2 + random.nextInt(2));
            case 6, 7 -> Sequence.of(leaf(), leaf(), leaf());
            default -> leaf();
        };
    }

    /** The step and its limit take about the same time. */
    private Shape limited() {
        double seconds = 0.05 + random.nextInt(6) * 0.05;
        return new LimitedStep(new SqlStep(name("s"), seconds), seconds + 0.005 + random.nextInt(4) * 0.01, new SqlStep(name("t"), 0));
    }

    /** What somebody else decides: a program, or people. */
    private static Shape others(String name) {
        return name.hashCode() % 3 == 0 ? new DecidedStep(name) : new ActivityStep(name);
    }

    private Shape leaf() {
        return switch (random.nextInt(21)) {
            case 20 -> new ConditionStep(name("v"));
            case 19 -> others(name("p"));
            case 18 -> new PublishedStep(name("e"));
            case 0 -> new AutocommitStep(name("o"));
            case 14 -> new SignalledStep(name("w"));
            case 15 -> new RetriedStep(name("s"));
            case 16 -> request(0);
            case 17 -> request(random.nextInt(3));
            case 1 -> new NamedStep(name("n"));
            case 2 -> new BoundStep(name("b"));
            case 3 -> new Sleep(random.nextInt(3));
            default -> step();
        };
    }

    /** Effects of which each must happen exactly once. */
    private Shape calm() {
        if (random.nextInt(8) == 0) {
            return request(0);
        }
        if (random.nextInt(8) == 0) {
            return others(name("p"));
        }
        return random.nextBoolean() ? step() : Sequence.of(step(), new NamedStep(name("n")), step());
    }

    private Shape request(int failures) {
        return service == null ? step() : new HttpStep(name("h"), service, failures);
    }

    private Shape step() {
        double seconds = random.nextInt(10) == 0 ? 0.15 : random.nextInt(3) * 0.004;
        return new SqlStep(name("s"), seconds);
    }

    private String name(String kind) {
        steps++;
        return kind + steps;
    }
}
