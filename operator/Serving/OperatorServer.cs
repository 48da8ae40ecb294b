using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace OnCache.Operator.Serving;

/// <summary>The operator's two listeners.</summary>
internal sealed class OperatorServer : IAsyncDisposable
{
    // A review of the largest object, 1.5 MiB, holds it twice.
    private const int MaximumBody = 4 << 20;

    private readonly WebApplication _application;

    private OperatorServer(WebApplication application) => _application = application;

    /// <summary>The addresses in use, the plain one first.</summary>
    public IReadOnlyList<Uri> Addresses => [.. _application.Urls.Select(url => new Uri(url)).OrderBy(url => url.Scheme, StringComparer.Ordinal)];

    /// <summary>Binds and begins to answer.</summary>
    /// <param name="plain">For health and metrics.</param>
    /// <param name="encrypted">For admission; absent without a webhook.</param>
    /// <param name="certificate">The certificate for the next connection; absent until there is one.</param>
    /// <param name="endpoints">What answers.</param>
    /// <param name="cancellationToken">Gives up binding.</param>
    /// <exception cref="IOException">A port is taken.</exception>
    public static async Task<OperatorServer> StartAsync(
        IPEndPoint plain,
        IPEndPoint? encrypted,
        Func<X509Certificate2?> certificate,
        OperatorEndpoints endpoints,
        CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        _ = builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = MaximumBody;
            options.Listen(plain);
            if (encrypted is not null)
            {
                options.Listen(encrypted, listen => listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificateSelector = (_, _) => certificate() }));
            }
        });
        var application = builder.Build();
        application.Run(endpoints.HandleAsync);
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }

        return new OperatorServer(application);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _application.StopAsync(grace.Token);
        await _application.DisposeAsync();
    }
}
