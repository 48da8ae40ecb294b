namespace OnCache.EndToEnd.Traffic;

/// <summary>Limits for packets inside one machine.</summary>
internal static class Patience
{
    /// <summary>Only a packet that never comes takes it.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(10);

    /// <summary>For packets that must not come.</summary>
    public static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    /// <summary>Cancels with the test and when the patience is over.</summary>
    public static CancellationTokenSource Of(TimeSpan limit)
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        source.CancelAfter(limit);
        return source;
    }
}
