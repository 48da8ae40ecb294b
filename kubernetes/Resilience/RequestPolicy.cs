using OnCache.Kubernetes.Client;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace OnCache.Kubernetes.Resilience;

/// <summary>Whether a request may be sent again when its fate is unknown.</summary>
internal enum Repeatable
{
    /// <summary>Repeating it leaves the same state.</summary>
    Always,

    /// <summary>Only when the server said that it did not act.</summary>
    WhenRefused,
}

/// <summary>A limit on each try, and further tries that keep to what the server asks.</summary>
internal sealed class RequestPolicy
{
    private static readonly ResiliencePropertyKey<Repeatable> Kind = new("repeatable");

    private readonly ResiliencePipeline _pipeline;

    public RequestPolicy(KubernetesClientSettings settings, TimeProvider time, Random random)
    {
        var backoff = new Backoff(settings.RetryDelay, settings.MaximumRetryDelay);
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        if (settings.Retries > 0)
        {
            _ = builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = settings.Retries,
                ShouldHandle = arguments => ValueTask.FromResult(ShouldRetry(arguments, settings.MaximumRetryDelay)),
                DelayGenerator = arguments => ValueTask.FromResult<TimeSpan?>(
                    arguments.Outcome.Exception is KubernetesException { RetryAfter: { } asked }
                        ? asked
                        : backoff.Delay(arguments.AttemptNumber + 1, random.NextDouble())),
            });
        }

        // The server is told the limit itself; the margin lets its answer arrive.
        _ = builder.AddTimeout(new TimeoutStrategyOptions { Timeout = settings.RequestTimeout + TimeSpan.FromSeconds(5) });
        _pipeline = builder.Build();
    }

    public async Task<T> RunAsync<T>(Repeatable repeatable, Func<CancellationToken, Task<T>> send, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        try
        {
            context.Properties.Set(Kind, repeatable);
            return await _pipeline.ExecuteAsync(
                async current => await send(current.CancellationToken),
                context);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private static bool ShouldRetry(RetryPredicateArguments<object> arguments, TimeSpan longestWait)
    {
        var mayRepeat = arguments.Context.Properties.GetValue(Kind, Repeatable.WhenRefused) == Repeatable.Always;
        return arguments.Outcome.Exception switch
        {
            KubernetesException { RetryAfter: { } asked } when asked > longestWait => false,
            KubernetesException { DidNotAct: true } => true,
            KubernetesException { Status.Code: 500 or 502 or 503 or 504 } => mayRepeat,
            { } exception => mayRepeat && Connection.IsFailure(exception) && !Connection.IsPermanent(exception),
            null => false,
        };
    }
}
