using OnCache.Kubernetes.Events;

namespace OnCache.Kubernetes.Tests.Events;

public sealed class EventJournalTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly EventJournal _journal = new();

    [Fact]
    public void The_same_event_again_is_counted_and_written_when_the_count_has_doubled()
    {
        var key = Key("u", "note");
        _journal.Decide(key, Start).ShouldBeOfType<EventDecision.Create>();
        _journal.Written(key, "name");

        var written = Enumerable.Range(1, 99)
            .Select(minute => _journal.Decide(key, Start.AddSeconds(minute)))
            .OfType<EventDecision.Repeat>();

        written.ShouldBe(Enumerable.Range(1, 6).Select(power => new EventDecision.Repeat("name", 1 << power)));
    }

    [Fact]
    public void After_a_while_the_same_event_is_a_new_one()
    {
        _journal.Decide(Key("u", "note"), Start).ShouldBeOfType<EventDecision.Create>();
        _journal.Decide(Key("u", "note"), Start.AddMinutes(5)).ShouldBeOfType<EventDecision.Skip>();
        _journal.Decide(Key("u", "note"), Start.AddMinutes(12)).ShouldBeOfType<EventDecision.Create>();
    }

    [Fact]
    public void Different_events_of_an_object_are_limited_and_others_are_not_hindered()
    {
        Enumerable.Range(0, 100).Count(number => _journal.Decide(Key("u", $"{number}"), Start) is EventDecision.Create).ShouldBe(25);

        _journal.Decide(Key("other", "x"), Start).ShouldBeOfType<EventDecision.Create>();
        _journal.Decide(Key("u", "late"), Start.AddMinutes(4)).ShouldBeOfType<EventDecision.Skip>();
        _journal.Decide(Key("u", "later"), Start.AddMinutes(5)).ShouldBeOfType<EventDecision.Create>();
        _journal.Decide(Key("u", "too many"), Start.AddMinutes(5)).ShouldBeOfType<EventDecision.Skip>();
    }

    [Fact]
    public void An_event_that_was_lost_is_written_anew()
    {
        _journal.Decide(Key("u", "note"), Start).ShouldBeOfType<EventDecision.Create>();
        _journal.Lost(Key("u", "note"));
        _journal.Decide(Key("u", "note"), Start).ShouldBeOfType<EventDecision.Create>();
    }

    [Fact]
    public void Any_number_of_objects_leaves_memory_bounded_and_works_on()
    {
        for (var number = 0; number < 10_000; number++)
        {
            _journal.Decide(Key($"{number}", "note"), Start.AddSeconds(number)).ShouldBeOfType<EventDecision.Create>();
        }

        _journal.Remembered.ShouldBeLessThanOrEqualTo(2 * 2048);
    }

    private static EventKey Key(string uid, string note) => new(uid, EventType.Normal, "Reason", note);
}
