namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>Waits for what must come, with a limit that only a failure reaches.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task TrueAsync(Func<bool> condition, string what)
    {
        var end = DateTime.UtcNow + Limit;
        while (!condition())
        {
            (DateTime.UtcNow < end).ShouldBeTrue($"not within {Limit}: {what}");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public static async Task<T> NextAsync<T>(this System.Threading.Channels.ChannelReader<T> reader) =>
        await reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task InTimeAsync(this Task task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task<T> InTimeAsync<T>(this Task<T> task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);
}
