using System.Text.Json;
using Microsoft.AspNetCore.Http;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Serialization;

namespace OnCache.Kubernetes.Tests.Fakes;

/// <summary>Answers for a <see cref="FakeApiServer"/>.</summary>
internal static class Answer
{
    // Anonymous types have nothing but read-only properties.
    private static readonly JsonSerializerOptions Options = new(KubernetesJson.Options)
    {
        IgnoreReadOnlyProperties = false,
        TypeInfoResolver = TestContractsAttribute.WithReflection,
    };

    public static RequestDelegate Json(object content, int code = 200) => context =>
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(JsonSerializer.Serialize(content, Options), context.RequestAborted);
    };

    public static RequestDelegate Text(int code, string text) => context =>
    {
        context.Response.StatusCode = code;
        return context.Response.WriteAsync(text, context.RequestAborted);
    };

    public static RequestDelegate Status(int code, string reason, string message, params k8s.Models.V1StatusCause[] causes) =>
        Json(Failure(code, reason, message, causes), code);

    public static RequestDelegate Busy(int code, string retryAfter) => context =>
    {
        context.Response.Headers.RetryAfter = retryAfter;
        return Status(code, code == 429 ? "TooManyRequests" : "ServiceUnavailable", "slow down")(context);
    };

    public static RequestDelegate List(string version, params V1ConfigMap[] items) =>
        Json(new { kind = "List", metadata = new { resourceVersion = version }, items });

    public static RequestDelegate Page(string version, string? next, params V1ConfigMap[] items) =>
        Json(new { kind = "List", metadata = new { resourceVersion = version, @continue = next }, items });

    /// <summary>A watch that says these lines and is closed properly.</summary>
    public static RequestDelegate Watch(params string[] lines) => context => WriteAsync(context, lines);

    /// <summary>A watch that says these lines and then nothing, for as long as the client stays.</summary>
    public static RequestDelegate WatchThenSilence(params string[] lines) => WatchThenSilence(Task.CompletedTask, lines);

    /// <summary>A watch that waits, says these lines and then nothing, for as long as the client stays.</summary>
    public static RequestDelegate WatchThenSilence(Task wait, string[] lines) => async context =>
    {
        await wait.WaitAsync(context.RequestAborted);
        await WriteAsync(context, lines);
        await SilenceAsync(context);
    };

    /// <summary>A watch whose connection is reset in the middle of a line.</summary>
    public static RequestDelegate WatchThenCut(string[] lines, string half, Task cut) => async context =>
    {
        await WriteAsync(context, lines);
        await context.Response.WriteAsync(half, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        // A reset throws away what the peer has not read yet.
        await cut;
        context.Abort();
    };

    /// <summary>Begins to say why it does not serve, and never goes on.</summary>
    public static RequestDelegate Stalled(int code) => async context =>
    {
        context.Response.StatusCode = code;
        await context.Response.WriteAsync("{", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        await SilenceAsync(context);
    };

    /// <summary>Takes the request and never answers.</summary>
    public static RequestDelegate Silence => SilenceAsync;

    /// <summary>Resets the connection.</summary>
    public static RequestDelegate Reset => context =>
    {
        context.Abort();
        return Task.CompletedTask;
    };

    public static string Event(string type, object content) => JsonSerializer.Serialize(new { type, @object = content }, Options);

    public static string Bookmark(string version) =>
        Event("BOOKMARK", new { kind = "ConfigMap", metadata = new { resourceVersion = version } });

    public static string Expired { get; } = Event("ERROR", Failure(410, "Expired", "too old resource version: 1 (9)"));

    private static object Failure(int code, string reason, string message, params k8s.Models.V1StatusCause[] causes) => new
    {
        kind = "Status",
        status = "Failure",
        reason,
        message,
        code,
        details = new { causes },
    };

    private static async Task WriteAsync(HttpContext context, string[] lines)
    {
        context.Response.ContentType = "application/json";
        await context.Response.StartAsync(context.RequestAborted);
        foreach (var line in lines)
        {
            await context.Response.WriteAsync(line + "\n", context.RequestAborted);
        }

        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static async Task SilenceAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
        await gone.Task;
    }
}
