using System.Net;
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

    private readonly ResiliencePipeline<HttpResponseMessage> _pipeline;

    public RequestPolicy(KubernetesClientSettings settings, TimeProvider time, Random random)
    {
        var backoff = new Backoff(settings.RetryDelay, settings.MaximumRetryDelay);
        var builder = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time };
        if (settings.Retries > 0)
        {
            _ = builder.AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                MaxRetryAttempts = settings.Retries,
                ShouldHandle = arguments => ValueTask.FromResult(ShouldRetry(arguments, settings.MaximumRetryDelay, time)),
                DelayGenerator = arguments => ValueTask.FromResult<TimeSpan?>(
                    arguments.Outcome.Result is { } response && RetryAfter.Of(response, time.GetUtcNow()) is { } asked
                        ? asked
                        : backoff.Delay(arguments.AttemptNumber + 1, random.NextDouble())),
                OnRetry = static arguments =>
                {
                    arguments.Outcome.Result?.Dispose();
                    return ValueTask.CompletedTask;
                },
            });
        }

        // The server is told the limit itself; the margin lets its answer arrive.
        _ = builder.AddTimeout(new TimeoutStrategyOptions { Timeout = settings.RequestTimeout + TimeSpan.FromSeconds(5) });
        _pipeline = builder.Build();
    }

    public async Task<HttpResponseMessage> RunAsync(
        Repeatable repeatable,
        Func<CancellationToken, Task<HttpResponseMessage>> send,
        CancellationToken cancellationToken)
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

    private static bool ShouldRetry(RetryPredicateArguments<HttpResponseMessage> arguments, TimeSpan longestWait, TimeProvider time)
    {
        var repeatable = arguments.Context.Properties.GetValue(Kind, Repeatable.WhenRefused);
        if (arguments.Outcome.Result is { } response)
        {
            var asked = RetryAfter.Of(response, time.GetUtcNow());
            return asked is null || asked <= longestWait
                ? response.StatusCode == HttpStatusCode.TooManyRequests
                    || (asked is not null && (int)response.StatusCode >= 500)
                    || (repeatable == Repeatable.Always && IsPassing(response.StatusCode))
                : false;
        }

        return repeatable == Repeatable.Always
            && arguments.Outcome.Exception is { } exception
            && Connection.IsFailure(exception)
            && !Connection.IsPermanent(exception);
    }

    private static bool IsPassing(HttpStatusCode status) =>
        status is HttpStatusCode.InternalServerError
            or HttpStatusCode.BadGateway
            or HttpStatusCode.ServiceUnavailable
            or HttpStatusCode.GatewayTimeout;
}
