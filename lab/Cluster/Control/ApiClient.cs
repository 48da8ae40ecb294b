using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using OnCache.Lab.Namespaces;

namespace OnCache.Lab.Cluster.Control;

/// <summary>A client of an API server as its administrator, in whatever network namespace the server is.</summary>
internal sealed class ApiClient : IDisposable
{
    private readonly X509Certificate2 authority;
    private readonly HttpClient client;

    public ApiClient(string? networkNamespace, Uri server, string authorityPem, string token)
    {
        authority = X509Certificate2.CreateFromPem(authorityPem);
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { authority },
            RevocationMode = X509RevocationMode.NoCheck,
        };
        client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy },
            UseProxy = false,
            ConnectCallback = (context, cancellationToken) => ConnectAsync(networkNamespace, context.DnsEndPoint, cancellationToken),
        })
        {
            BaseAddress = server,
            Timeout = TimeSpan.FromSeconds(5),
        };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>True when every one of the paths is answered.</summary>
    public async Task<bool> IsReadyAsync(IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var path in paths)
            {
                if (!await AnswersAsync(path, cancellationToken))
                {
                    return false;
                }
            }

            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>True when there is something at this path.</summary>
    public async Task<bool> AnswersAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await client.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
        return response.StatusCode == HttpStatusCode.OK;
    }

    /// <summary>Creates an object from YAML.</summary>
    /// <param name="collection">Its path, e.g. <c>apis/GROUP/VERSION/PLURAL</c>.</param>
    /// <exception cref="LabException">The server refused; says how.</exception>
    public async Task CreateAsync(string collection, string yaml, CancellationToken cancellationToken)
    {
        using var body = new StringContent(yaml, Encoding.UTF8, "application/yaml");
        using var response = await client.PostAsync(new Uri(collection, UriKind.Relative), body, cancellationToken);
        await EnsureAsync(response, cancellationToken);
    }

    /// <summary>Deletes an object; finalizers may keep it for a while.</summary>
    /// <exception cref="LabException">The server refused; says how.</exception>
    public async Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await client.DeleteAsync(new Uri(path, UriKind.Relative), cancellationToken);
        await EnsureAsync(response, cancellationToken);
    }

    public void Dispose()
    {
        client.Dispose();
        authority.Dispose();
    }

    private static async Task EnsureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            var request = response.RequestMessage!;
            throw new LabException($"{request.Method} {request.RequestUri}: {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
        }
    }

    private static async ValueTask<Stream> ConnectAsync(string? networkNamespace, DnsEndPoint server, CancellationToken cancellationToken)
    {
        // A socket belongs to the namespace it was made in, whoever uses it.
        static Socket Create() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var socket = networkNamespace is null ? Create() : NetworkNamespace.Run(networkNamespace, Create);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(server.Host), server.Port), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }
}
