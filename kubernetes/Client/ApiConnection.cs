using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Resilience;

namespace OnCache.Kubernetes.Client;

/// <summary>Sends requests and turns every kind of failure into a <see cref="KubernetesException"/>.</summary>
internal sealed class ApiConnection : IDisposable
{
    private readonly HttpClient _http;
    private readonly RequestPolicy _policy;
    private readonly TimeProvider _time;
    private readonly TimeSpan _limit;
    private readonly string _serverTimeout;

    public ApiConnection(KubernetesClientConfiguration configuration, KubernetesClientSettings settings, TimeProvider time, Random random)
    {
        _time = time;
        _policy = new RequestPolicy(settings, time, random);
        _limit = settings.RequestTimeout;
        _serverTimeout = string.Create(CultureInfo.InvariantCulture, $"{(int)settings.RequestTimeout.TotalSeconds}s");
        _http = new HttpClient(Transport.Create(configuration, settings))
        {
            BaseAddress = new Uri(configuration.Host.AbsoluteUri.TrimEnd('/') + '/'),
            // Each request has its own limit; a watch may last.
            Timeout = Timeout.InfiniteTimeSpan,
        };
        // The handler expects the certificate to carry this header's name, and ignores one given in its TLS options.
        _http.DefaultRequestHeaders.Host = configuration.TlsServerName;
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        var version = Assembly.GetEntryAssembly()?.GetName().Version?.ToString(3) ?? "0.0.0";
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue(settings.FieldManager, version));
    }

    /// <summary>Sends a request, repeatedly if that is allowed and helps, and reads the whole answer.</summary>
    public async Task<byte[]> SendAsync(
        HttpMethod method,
        string path,
        QueryString query,
        byte[]? body = null,
        string contentType = "application/json",
        Repeatable repeatable = Repeatable.Always,
        string? accept = null,
        CancellationToken cancellationToken = default)
    {
        var target = path + query.Add("timeout", _serverTimeout);
        try
        {
            using var response = await _policy.RunAsync(
                repeatable,
                async token =>
                {
                    using var request = Request(method, target, accept);
                    if (body is not null)
                    {
                        request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } };
                    }

                    return await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, token);
                },
                cancellationToken);
            return response.IsSuccessStatusCode
                ? await response.Content.ReadAsByteArrayAsync(cancellationToken)
                : throw await FailedResponse.ReadAsync(response, _time, cancellationToken);
        }
        catch (Exception exception) when (Connection.IsFailure(exception))
        {
            throw Unreachable(method, path, exception);
        }
    }

    /// <summary>
    /// Opens an answer that keeps coming; only its beginning is limited in time. Not repeated: the caller knows where to go on.
    /// </summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, QueryString query, string? accept, CancellationToken cancellationToken)
    {
        try
        {
            using var limit = new CancellationTokenSource(_limit, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            using var request = Request(HttpMethod.Get, path + query, accept);
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            using (response)
            {
                throw await FailedResponse.ReadAsync(response, _time, cancellationToken);
            }
        }
        catch (Exception exception) when (Connection.IsFailure(exception)
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw Unreachable(HttpMethod.Get, path, exception);
        }
    }

    public void Dispose() => _http.Dispose();

    private static HttpRequestMessage Request(HttpMethod method, string target, string? accept)
    {
        var request = new HttpRequestMessage(method, target)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        if (accept is not null)
        {
            request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept));
        }

        return request;
    }

    private KubernetesException Unreachable(HttpMethod method, string path, Exception exception) =>
        new(StatusReason.Unreachable, $"{method} {_http.BaseAddress}{path}: {Connection.Explain(exception)}", exception);
}
