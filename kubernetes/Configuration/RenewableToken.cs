using System.Net.Http.Headers;
using k8s.Authentication;
using k8s.KubeConfigModels;
using OnCache.Kubernetes.Client;

namespace OnCache.Kubernetes.Configuration;

/// <summary>
/// A token from one of the library's sources. The library keeps a token for a minute, or until it says itself that it ends, although the
/// server refuses it; it fails a request while the token's file is missing for the moment of its replacement; and it runs a program once for
/// each request that waits, whether that is given up or not.
/// </summary>
/// <param name="source">What gives the token, for people.</param>
/// <param name="make">Makes a source that has not read its token yet.</param>
internal sealed class RenewableToken(string source, Func<ITokenProvider> make) : ITokenProvider
{
    private readonly Lock _lock = new();
    private ITokenProvider _provider = make();
    private Task<AuthenticationHeaderValue>? _reading;
    private AuthenticationHeaderValue? _last;

    /// <summary>The token in a file that is replaced from time to time, as the kubelet does with the tokens of service accounts.</summary>
    public static RenewableToken File(string path) => new($"token file {path}", () => new TokenFileAuth(path));

    /// <summary>The token that a program prints.</summary>
    public static RenewableToken Program(ExternalExecution program) => new($"exec {program.Command}", () => new ExecTokenProvider(program));

    /// <exception cref="KubernetesException">There is no token, and there was none before.</exception>
    public async Task<AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken)
    {
        Task<AuthenticationHeaderValue> reading;
        lock (_lock)
        {
            reading = _reading = _reading is { IsCompleted: false } present ? present : ReadAsync(_provider);
        }

        try
        {
            return await reading.WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Files and programs fail in many ways; the token in hand is good until the server says otherwise.
            lock (_lock)
            {
                _provider = make();
                return _last ?? throw new KubernetesException(StatusReason.Unauthorized, $"{source}: {Problem.FirstLine(exception)}", exception);
            }
        }
    }

    /// <summary>Called when the server refused a token, so that the next one is read anew, unless it has been already.</summary>
    public void Renew(AuthenticationHeaderValue? refused)
    {
        lock (_lock)
        {
            if (_last is null || _last.Equals(refused))
            {
                _provider = make();
                _reading = null;
            }
        }
    }

    private async Task<AuthenticationHeaderValue> ReadAsync(ITokenProvider provider)
    {
        var header = await provider.GetAuthenticationHeaderAsync(CancellationToken.None);
        if (string.IsNullOrEmpty(header.Parameter))
        {
            throw new InvalidDataException("it is empty");
        }

        lock (_lock)
        {
            return _last = header;
        }
    }
}
